"""BLAKE3 with 256 bits of output, written from its specification: hash mode only, no key."""

from __future__ import annotations

_MASK = 0xFFFFFFFF
_IV = (
    0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
    0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19,
)  # fmt: skip
_PERMUTATION = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
_MIXES = (
    (0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
    (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14),
)  # fmt: skip
_CHUNK_START, _CHUNK_END, _PARENT, _ROOT = 1, 2, 4, 8
_BLOCK_BYTES, _CHUNK_BYTES = 64, 1024

Words = tuple[int, ...]


def _rotate(word: int, bits: int) -> int:
    return (word >> bits) | (word << (32 - bits)) & _MASK


def _mix(state: list[int], places: tuple[int, int, int, int], x: int, y: int) -> None:
    a, b, c, d = places
    state[a] = (state[a] + state[b] + x) & _MASK
    state[d] = _rotate(state[d] ^ state[a], 16)
    state[c] = (state[c] + state[d]) & _MASK
    state[b] = _rotate(state[b] ^ state[c], 12)
    state[a] = (state[a] + state[b] + y) & _MASK
    state[d] = _rotate(state[d] ^ state[a], 8)
    state[c] = (state[c] + state[d]) & _MASK
    state[b] = _rotate(state[b] ^ state[c], 7)


def _compress(chaining: Words, block: Words, counter: int, length: int, flags: int) -> Words:
    """The first eight words of the compression function's output."""
    state = list(chaining) + list(_IV[:4]) + [counter & _MASK, counter >> 32, length, flags]
    words = list(block)
    for _ in range(7):
        for i, places in enumerate(_MIXES):
            _mix(state, places, words[2 * i], words[2 * i + 1])
        words = [words[i] for i in _PERMUTATION]
    return tuple(state[i] ^ state[i + 8] for i in range(8))


def _words(data: bytes) -> Words:
    padded = data.ljust(_BLOCK_BYTES, b"\0")
    return tuple(int.from_bytes(padded[i : i + 4], "little") for i in range(0, _BLOCK_BYTES, 4))


def _chunk(data: bytes, counter: int, root: int) -> Words:
    blocks = [data[i : i + _BLOCK_BYTES] for i in range(0, len(data), _BLOCK_BYTES)] or [b""]
    chaining: Words = _IV
    for i, block in enumerate(blocks):
        flags = _CHUNK_START if i == 0 else 0
        if i == len(blocks) - 1:
            flags |= _CHUNK_END | root
        chaining = _compress(chaining, _words(block), counter, len(block), flags)
    return chaining


def _tree(data: bytes, counter: int, root: int) -> Words:
    """The chaining value of a subtree: the left side is the largest full power of two of chunks."""
    if len(data) <= _CHUNK_BYTES:
        return _chunk(data, counter, root)
    left_chunks = 1
    while left_chunks * 2 * _CHUNK_BYTES < len(data):
        left_chunks *= 2
    split = left_chunks * _CHUNK_BYTES
    left = _tree(data[:split], counter, 0)
    right = _tree(data[split:], counter + left_chunks, 0)
    return _compress(_IV, left + right, 0, _BLOCK_BYTES, _PARENT | root)


def blake3_hex(data: bytes) -> str:
    """Lower-case hex of the 256-bit digest."""
    return b"".join(word.to_bytes(4, "little") for word in _tree(data, 0, _ROOT)).hex()

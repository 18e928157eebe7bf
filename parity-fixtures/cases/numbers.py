"""Numbers in the drift profile: integers of any size, floats, both sides of every boundary."""

from __future__ import annotations

from fractions import Fraction

from .table import Case, normalize, payload


def exact_decimal(value: Fraction) -> str:
    """All digits of a number whose denominator is a power of two."""
    shift = value.denominator.bit_length() - 1
    digits = str(value.numerator * 5**shift).rjust(shift + 1, "0")
    return f"{digits[:-shift]}.{digits[-shift:]}" if shift else digits + ".0"


def halfway(low: float, high: float) -> Fraction:
    """The exact middle of two doubles."""
    return (Fraction(low) + Fraction(high)) / 2


MIN_SUBNORMAL = Fraction(2) ** -1074
LAST = Fraction(1, 10**400)  # far below any last place
MAX = Fraction(1.7976931348623157e308)
OVERFLOW_HALF = MAX + Fraction(2) ** 970  # from here on a decimal rounds to infinity

FLOATS = """
0.0 -0.0 0e0 0E0 -0e0 0e400 0e-400 -0e400 -0.0e+99999999999999999999 0.000 0.0000000000000000000000000000000000000
1.0 -1.0 1.50 1.5000000000000000000000000 10.0 100.00 0.1 0.2 0.3 0.30000000000000004 1e0 1E0 1e+0 1e-0 1e00 1e+05
1E5 1e5 1e15 1e16 -1e16 1e17 1e20 1e21 1e22 1e23 1.5e300 1.5E+300 1e100 1e-4 1e-5 -1e-5 0.00001 1e-6 0.000001 1e-7
0.0000099999999999999999 0.00000999999999999999 1.00000000000000001e-5 9.999999999999999e-6 1.2345e-5 1.2345e-6
9999999999999998.0 9999999999999999.0 9999999999999998.5 9999999999999999.5 1000000000000000.0 999999999999999.9
999999999999999.94 1e15 123456789012345680.0 12345678901234567.0 1234567890123456.7 123456789012345.67
123456789.123456789 0.123456789012345678 3.141592653589793238462643383279 2.718281828459045 1.7320508075688772
9007199254740991.0 9007199254740992.0 9007199254740993.0 9007199254740993.00000000000000000001 9007199254740994.0
9007199254740995.0 4503599627370496.5 4503599627370497.5 4503599627370495.5 2251799813685248.25
5e-324 4.9e-324 4.94e-324 3e-324 2.5e-324 2.4e-324 2e-324 1e-323 1.5e-323 -5e-324 1e-400 -1e-400 1e-99999999999999999999
2.2250738585072014e-308 2.2250738585072011e-308 2.225073858507201e-308 2.2250738585072012e-308 1.1125369292536007e-308
1.7976931348623157e308 1.7976931348623158e308 1.79769313486231580793e308 -1.7976931348623157e+308
179769313486231570000e288 0.00017976931348623157e312 17976931348623157e292
8.41e21 2.0e-3 5.0e-324 4.35 4.349999999999999 0.5 0.25 0.125 1.1 2.2 3.3 1.005 2.675 1e-10 123e-20 123.5e-3 0.1e1 0.01e-3
6.02214076e23 6.62607015e-34 1.602176634e-19 299792458.0 8.988465674311579e307 8.98846567431158e307
5.684341886080801e-14 5.684341886080802e-14 2.98023223876953125E-8 5.764607523034235e39 1.152921504606847e40
2.305843009213694e40 4.708356024711512e18 9.409340012568248e18 1.8531501765868567e21 5.859e-320 4.45e-323
7.2057594037927933e16 144115188075855877.0 36028797018963969e0 1801439850948198.5 9.5367431640625e-7 1.9073486328125e-6
""".split()

INTEGERS = """
0 1 -1 9 10 42 -42 2147483647 2147483648 -2147483648 -2147483649 4294967295 4294967296
9007199254740991 9007199254740992 9007199254740993 -9007199254740993 9999999999999999 10000000000000000
9223372036854775807 9223372036854775808 -9223372036854775808 -9223372036854775809 9223372036854775809
18446744073709551615 18446744073709551616 -18446744073709551615 -18446744073709551616 18446744073709551617
1180591620717411303424 100000000000000000000 -100000000000000000000 340282366920938463463374607431768211456
123456789012345678901234567890123456789012345678901234567890
""".split()

OVERFLOWS = "1e309 -1e309 1e400 -1e400 1.7976931348623159e308 -1.7976931348623159e308 2e308 1e99999999999999999999".split()

_seen = set()
CASES: list[Case] = []

CASES.append(normalize("minus zero without a point prints as a float", "-0"))
for token in FLOATS:
    if token not in _seen:
        _seen.add(token)
        CASES.append(normalize(f"the float {token} is its nearest double in shortest digits", token))
for token in INTEGERS:
    CASES.append(normalize(f"the integer {token} keeps its exact digits", token))
for token in OVERFLOWS:
    CASES.append(normalize(f"the float {token} is out of range", token))

CASES += [
    normalize("an integer of 400 digits beyond the range of a double is kept", "7" * 400),
    normalize("an integer of 4,299 digits is kept", "8" * 4299),
    normalize("an integer of 4,301 digits, beyond the limit of Python's int, is kept", "-" + "9" * 4301),
    normalize("an integer of 5,000 digits is kept", "1234567890" * 500),
    normalize("one followed by 400 zeros is an integer and is kept", "1" + "0" * 400),
    normalize("one followed by 400 zeros and a fraction is out of range", "1" + "0" * 400 + ".0"),
    normalize("one followed by 308 zeros and a fraction is in range", "1" + "0" * 308 + ".0"),
    normalize("a negative exponent brings 400 digits back in range", "9" * 400 + "e-400"),
    normalize("four hundred zeros after the point and a positive exponent are in range", "0." + "0" * 400 + "1e401"),
    normalize("a fraction of 2,000 digits is rounded correctly", "0." + "3" * 2000),
    normalize("a float with a long run of zeros before its deciding digit rounds up", "1." + "0" * 15 + "1110223024625156540423631668090820312500000000000000000001"),
    normalize("half of the smallest subnormal exactly is a tie and becomes zero", exact_decimal(MIN_SUBNORMAL / 2)),
    normalize("just above half of the smallest subnormal becomes the smallest subnormal", exact_decimal(MIN_SUBNORMAL / 2) + "1"),
    normalize("three halves of the smallest subnormal is a tie and becomes the even second", exact_decimal(MIN_SUBNORMAL * 3 / 2)),
    normalize("the exact digits of the smallest subnormal read as it", exact_decimal(MIN_SUBNORMAL)),
    normalize("the middle of the largest subnormal and the smallest normal rounds to even", exact_decimal(halfway(2.225073858507201e-308, 2.2250738585072014e-308))),
    normalize("just below the middle of the largest subnormal and the smallest normal rounds down", exact_decimal(halfway(2.225073858507201e-308, 2.2250738585072014e-308) - Fraction(1, 2**1200))),
    normalize("the largest decimal below the overflow threshold rounds to the largest double", str(int(OVERFLOW_HALF) - 1) + ".0"),
    normalize("the overflow threshold itself is out of range", str(int(OVERFLOW_HALF)) + ".0"),
    normalize("a hair below the overflow threshold is in range", str(int(OVERFLOW_HALF) - 1) + ".999999999999999"),
    normalize("the overflow threshold written as an integer is kept", str(int(OVERFLOW_HALF))),
    normalize("the middle of 1 and its successor rounds to the even 1", exact_decimal(halfway(1.0, 1.0000000000000002))),
    normalize("just above the middle of 1 and its successor rounds up", exact_decimal(halfway(1.0, 1.0000000000000002)) + "0" * 300 + "1"),
    normalize("the middle of the second and third double after 1 rounds up to even", exact_decimal(halfway(1.0000000000000002, 1.0000000000000004))),
    normalize("the middle of two doubles near 1e23 rounds to even", exact_decimal(halfway(1e23, 9.999999999999999e22))),
    normalize("the middle of 0.5 and its predecessor rounds to even", exact_decimal(halfway(0.5, 0.49999999999999994))),
    normalize("nine thousand nines after the point round to one", "0." + "9" * 9000),
    normalize("numbers keep their kinds side by side", "[1,1.0,1e0,10,1e1,-0,0,-0.0,0.0]"),
    payload("a payload of the first integer beyond i64 has the nearest double in its Struct", '{"n":9223372036854775808}'),
    payload("a payload of the first integer beyond u64 has the nearest double in its Struct", '{"n":18446744073709551616}'),
    payload("an integer beyond the range of a double is the largest double in the Struct", '{"n":' + "9" * 400 + "}"),
    payload("a negative integer beyond the range of a double is the lowest double in the Struct", '{"n":-' + "9" * 400 + "}"),
    payload("the integer at the overflow threshold is the largest double in the Struct", '{"n":' + str(int(OVERFLOW_HALF)) + "}"),
    payload("the integer below the overflow threshold is the largest double in the Struct", '{"n":' + str(int(OVERFLOW_HALF) - 1) + "}"),
    payload("an integer halfway between two doubles is the even one in the Struct", '{"n":9007199254740993}'),
    payload("an integer halfway between two doubles rounds up to even in the Struct", '{"n":9007199254740995}'),
    payload("minus zero keeps its sign in the Struct", '{"n":-0,"m":-0.0,"z":0}'),
    payload("a subnormal is exact in the Struct", '{"n":5e-324}'),
]  # fmt: skip

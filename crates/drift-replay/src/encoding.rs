//! What texts are wrapped in: base64 as the SDKs write it, and a byte order mark.

use crate::load::BYTE_ORDER_MARK;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// With or without padding, and with non-zero bits after the end: the published
/// SDKs write and read all of these.
pub(crate) const LENIENT_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Makes a byte order mark at the beginning of a text spaces, as some editors write
/// one before JSON; white space there means nothing, and offsets stay what they are.
pub fn blank_byte_order_mark(text: &mut [u8]) {
    if text.starts_with(BYTE_ORDER_MARK)
        && let Some(mark) = text.get_mut(..BYTE_ORDER_MARK.len())
    {
        mark.fill(b' ');
    }
}

//! The protobuf wire format: tags, varints and the fields of a message.
//! (<https://protobuf.dev/programming-guides/encoding/>)

use crate::error::ProtobufError;

/// The wire types in use; groups (3, 4) are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum WireType {
    Varint = 0,
    Fixed64 = 1,
    Length = 2,
    Fixed32 = 5,
}

/// One field of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field<'b> {
    pub(crate) number: u32,
    /// Where its tag stands.
    pub(crate) offset: usize,
    pub(crate) content: Content<'b>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Content<'b> {
    Varint(u64),
    Fixed64(u64),
    Length(Slice<'b>),
    Fixed32,
}

/// Bytes and where they stand in the whole message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slice<'b> {
    pub(crate) bytes: &'b [u8],
    pub(crate) offset: usize,
}

impl Content<'_> {
    pub(crate) fn wire_type(&self) -> WireType {
        match self {
            Content::Varint(_) => WireType::Varint,
            Content::Fixed64(_) => WireType::Fixed64,
            Content::Length(_) => WireType::Length,
            Content::Fixed32 => WireType::Fixed32,
        }
    }
}

/// The fields of a message one after the other; ends at the first fault.
pub(crate) struct Fields<'b> {
    rest: &'b [u8],
    offset: usize,
}

impl<'b> Fields<'b> {
    pub(crate) fn of(message: Slice<'b>) -> Fields<'b> {
        Fields {
            rest: message.bytes,
            offset: message.offset,
        }
    }

    fn fault<T>(&self, reason: &'static str) -> Result<T, ProtobufError> {
        Err(ProtobufError::InvalidProtobuf {
            offset: self.offset,
            reason,
        })
    }

    fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        self.offset += count;
        Some(taken)
    }

    fn varint(&mut self) -> Result<u64, ProtobufError> {
        let mut value = 0u64;
        for place in 0..10u32 {
            let Some(byte) = self.rest.get(place as usize) else {
                return self.fault("the bytes end within a number");
            };
            // The tenth byte holds the last bit of 64.
            if place == 9 && *byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7F) << (7 * place);
            if byte & 0x80 == 0 {
                self.take(place as usize + 1);
                return Ok(value);
            }
        }
        self.fault("a number of more than 64 bits")
    }

    fn field(&mut self) -> Result<Field<'b>, ProtobufError> {
        let offset = self.offset;
        let at_tag = |reason| Err(ProtobufError::InvalidProtobuf { offset, reason });
        let Ok(tag) = u32::try_from(self.varint()?) else {
            return at_tag("a tag of more than 32 bits");
        };
        let number = tag >> 3;
        if number == 0 {
            return at_tag("field number 0");
        }
        let content = match tag & 7 {
            0 => Content::Varint(self.varint()?),
            1 => match self.take(8).and_then(|bytes| bytes.first_chunk::<8>()) {
                Some(bytes) => Content::Fixed64(u64::from_le_bytes(*bytes)),
                None => return self.fault("the bytes end within a number"),
            },
            2 => {
                let length_at = self.offset;
                let length = self.varint()?;
                let start = self.offset;
                let taken = usize::try_from(length)
                    .ok()
                    .and_then(|length| self.take(length));
                match taken {
                    Some(bytes) => Content::Length(Slice {
                        bytes,
                        offset: start,
                    }),
                    None => {
                        return Err(ProtobufError::InvalidProtobuf {
                            offset: length_at,
                            reason: "a length beyond the end of the bytes",
                        });
                    }
                }
            }
            5 => match self.take(4) {
                Some(_) => Content::Fixed32,
                None => return self.fault("the bytes end within a number"),
            },
            3 | 4 => return at_tag("a group; groups are not supported"),
            _ => return at_tag("a wire type that does not exist"),
        };
        Ok(Field {
            number,
            offset,
            content,
        })
    }
}

impl<'b> Iterator for Fields<'b> {
    type Item = Result<Field<'b>, ProtobufError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// Writes a varint to the start of a place of ten bytes; gives its length.
pub(crate) fn write_varint(place: &mut [u8], mut value: u64) -> usize {
    let mut length = 0;
    for slot in place {
        length += 1;
        if value < 0x80 {
            *slot = value as u8;
            break;
        }
        *slot = value as u8 | 0x80;
        value >>= 7;
    }
    length
}

/// Appends a varint.
pub(crate) fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

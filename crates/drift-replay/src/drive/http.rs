//! Sends one request to a port of this machine and reads the whole response.
//!
//! Requests are written byte for byte as they were recorded (the case of header
//! names, characters in a target that strict clients refuse), one connection
//! for each, closed after it. Redirects are not followed: they are the response.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

use super::request::RecordedRequest;
use crate::service::connect_local;
use crate::wording::seconds;

/// The longest response body that is read, and that a compressed one may become.
pub const MAX_RESPONSE_BYTES: usize = 64 * 1024 * 1024;

/// The longest head of a response.
const MAX_HEAD_BYTES: usize = 256 * 1024;

/// The most header lines of a response.
const MAX_HEADERS: usize = 256;

/// How much is read at once.
const READ_BYTES: usize = 32 * 1024;

/// A response, whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpResponse {
    /// 200.
    pub status: u16,
    /// The text after it.
    pub reason: String,
    /// In their order, names as they were sent.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body as it was sent.
    pub raw_body: Bytes,
    /// The body without its content encoding; `raw_body` when it cannot be decoded.
    pub body: Bytes,
    /// Why the body could not be decoded.
    pub encoding_problem: Option<String>,
    /// From the begin of the connection to the end of the body.
    pub duration: Duration,
}

impl HttpResponse {
    /// The first header of this name, as text.
    pub fn header(&self, name: &str) -> Option<String> {
        self.headers
            .iter()
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    }
}

/// Why there is no response. The service's fault, except for a port that is wrong.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Nobody accepts.
    #[error("the service does not accept on port {port}")]
    Connect {
        /// The port.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// It took too long.
    #[error("no complete response came within {}", seconds(*timeout))]
    Timeout {
        /// How long was waited.
        timeout: Duration,
    },
    /// The connection was closed before a response.
    #[error("the service closed the connection without a response")]
    NoResponse,
    /// The connection was closed within a response.
    #[error("the service closed the connection in the middle of the response")]
    Truncated,
    /// The connection broke.
    #[error("the connection to the service broke")]
    Broken {
        /// What the system said.
        source: io::Error,
    },
    /// What came is not HTTP.
    #[error("the service did not answer in HTTP/1: {reason}")]
    NotHttp {
        /// What is wrong with it.
        reason: String,
    },
    /// The response is too long.
    #[error("the response has more than {limit_bytes} bytes")]
    TooLarge {
        /// The limit.
        limit_bytes: usize,
    },
}

impl SendError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            SendError::Connect { .. } => "no_connection",
            SendError::Timeout { .. } => "timeout",
            SendError::NoResponse => "no_response",
            SendError::Truncated => "truncated_response",
            SendError::Broken { .. } => "connection_broken",
            SendError::NotHttp { .. } => "not_http",
            SendError::TooLarge { .. } => "response_too_large",
        }
    }

    /// Whether a service that died would look like this.
    pub(crate) fn may_be_a_crash(&self) -> bool {
        match self {
            SendError::Connect { .. }
            | SendError::Timeout { .. }
            | SendError::NoResponse
            | SendError::Truncated
            | SendError::Broken { .. } => true,
            SendError::NotHttp { .. } | SendError::TooLarge { .. } => false,
        }
    }
}

/// Sends a request to `port` of this machine.
///
/// # Errors
/// [`SendError`] when no whole response came in time.
pub async fn send_recorded_request(
    port: u16,
    request: &RecordedRequest,
    timeout: Duration,
) -> Result<HttpResponse, SendError> {
    let begin = Instant::now();
    let mut response = tokio::time::timeout(timeout, exchange(port, request, timeout))
        .await
        .map_err(|_| SendError::Timeout { timeout })??;
    response.duration = begin.elapsed();
    Ok(response)
}

async fn exchange(
    port: u16,
    request: &RecordedRequest,
    timeout: Duration,
) -> Result<HttpResponse, SendError> {
    let stream = connect_local(port, timeout)
        .await
        .map_err(|source| SendError::Connect { port, source })?;
    // The whole request goes out in one or two writes; nothing waits for more.
    let _set = stream.set_nodelay(true);
    let (mut reader, mut writer) = stream.into_split();
    let head = head_of(request, port);
    let body = request.body.as_deref().unwrap_or_default();
    let writing = async {
        writer.write_all(&head).await?;
        writer.write_all(body).await?;
        writer.flush().await
    };
    let reading = read_response(&mut reader, request.method.eq_ignore_ascii_case("HEAD"));
    tokio::pin!(writing, reading);
    // A service may answer before it has read everything, and close.
    let mut written = false;
    loop {
        tokio::select! {
            response = &mut reading => return response,
            // If it broke, reading says how.
            _result = &mut writing, if !written => written = true,
        }
    }
}

fn head_of(request: &RecordedRequest, port: u16) -> Vec<u8> {
    let mut head = format!(
        "{} {} HTTP/1.1\r\nHost: localhost:{port}\r\n",
        request.method, request.target
    )
    .into_bytes();
    for (name, value) in &request.headers {
        head.extend_from_slice(name.as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value);
        head.extend_from_slice(b"\r\n");
    }
    let expects_length = ["POST", "PUT", "PATCH"]
        .iter()
        .any(|method| request.method.eq_ignore_ascii_case(method));
    match &request.body {
        Some(body) => {
            head.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
        }
        None if expects_length => head.extend_from_slice(b"Content-Length: 0\r\n"),
        None => {}
    }
    // A service with one thread would otherwise wait for more on this connection.
    head.extend_from_slice(b"Connection: close\r\n\r\n");
    head
}

/// What was read and not used yet.
struct Buffered<'a, R> {
    reader: &'a mut R,
    held: BytesMut,
}

impl<R: AsyncRead + Unpin> Buffered<'_, R> {
    /// Reads more; false at the end.
    async fn fill(&mut self) -> Result<bool, SendError> {
        self.held.reserve(READ_BYTES);
        match self.reader.read_buf(&mut self.held).await {
            Ok(count) => Ok(count > 0),
            Err(source) => Err(SendError::Broken { source }),
        }
    }

    async fn line(&mut self) -> Result<BytesMut, SendError> {
        loop {
            if let Some(end) = self.held.iter().position(|byte| *byte == b'\n') {
                let mut line = self.held.split_to(end + 1);
                let kept = line.trim_ascii_end().len();
                line.truncate(kept);
                return Ok(line);
            }
            if self.held.len() > MAX_HEAD_BYTES {
                return Err(SendError::NotHttp {
                    reason: "a line of the chunked body does not end".to_owned(),
                });
            }
            if !self.fill().await? {
                return Err(SendError::Truncated);
            }
        }
    }

    async fn exactly(&mut self, length: usize, body: &mut BytesMut) -> Result<(), SendError> {
        if body.len().saturating_add(length) > MAX_RESPONSE_BYTES {
            return Err(too_large());
        }
        let mut missing = length;
        while missing > 0 {
            if self.held.is_empty() && !self.fill().await? {
                return Err(SendError::Truncated);
            }
            let part = self.held.split_to(missing.min(self.held.len()));
            body.extend_from_slice(&part);
            missing -= part.len();
        }
        Ok(())
    }

    async fn until_end(&mut self, body: &mut BytesMut) -> Result<(), SendError> {
        loop {
            body.extend_from_slice(&self.held.split());
            if body.len() > MAX_RESPONSE_BYTES {
                return Err(too_large());
            }
            if !self.fill().await? {
                return Ok(());
            }
        }
    }

    async fn chunks(&mut self, body: &mut BytesMut) -> Result<(), SendError> {
        loop {
            let line = self.line().await?;
            let size = line
                .as_ref()
                .split(|byte: &u8| *byte == b';')
                .next()
                .unwrap_or_default();
            let size = std::str::from_utf8(size)
                .ok()
                .and_then(|size| usize::from_str_radix(size.trim(), 16).ok())
                .ok_or_else(|| SendError::NotHttp {
                    reason: "the size of a chunk is not a hexadecimal number".to_owned(),
                })?;
            if size == 0 {
                // The trailers; an end without them is one too.
                while !self.line().await.unwrap_or_default().is_empty() {}
                return Ok(());
            }
            self.exactly(size, body).await?;
            if !self.line().await?.is_empty() {
                return Err(SendError::NotHttp {
                    reason: "a chunk is longer than it says".to_owned(),
                });
            }
        }
    }
}

fn too_large() -> SendError {
    SendError::TooLarge {
        limit_bytes: MAX_RESPONSE_BYTES,
    }
}

async fn read_response(
    reader: &mut (impl AsyncRead + Unpin),
    to_head: bool,
) -> Result<HttpResponse, SendError> {
    let mut buffered = Buffered {
        reader,
        held: BytesMut::new(),
    };
    let mut response = loop {
        let response = read_head(&mut buffered).await?;
        // Interim responses come before the one; 101 is followed by no HTTP.
        if !(100..200).contains(&response.status) || response.status == 101 {
            break response;
        }
    };
    let mut body = BytesMut::new();
    let has_body = !to_head && !matches!(response.status, 101 | 204 | 304);
    if has_body {
        let lengths = content_lengths(&response)?;
        if is_chunked(&response) {
            buffered.chunks(&mut body).await?;
        } else if let Some(length) = lengths {
            buffered.exactly(length, &mut body).await?;
        } else {
            buffered.until_end(&mut body).await?;
        }
    }
    response.raw_body = body.freeze();
    let encoding = response.header("content-encoding").unwrap_or_default();
    match decode(&response.raw_body, &encoding) {
        Ok(decoded) => response.body = decoded,
        Err(problem) => {
            response.body = response.raw_body.clone();
            response.encoding_problem = Some(problem);
        }
    }
    Ok(response)
}

async fn read_head<R: AsyncRead + Unpin>(
    buffered: &mut Buffered<'_, R>,
) -> Result<HttpResponse, SendError> {
    loop {
        if !buffered.held.is_empty() {
            let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
            let mut parsed = httparse::Response::new(&mut headers);
            match parsed.parse(&buffered.held) {
                Ok(httparse::Status::Complete(length)) => {
                    let response = HttpResponse {
                        status: parsed.code.unwrap_or_default(),
                        reason: parsed.reason.unwrap_or_default().to_owned(),
                        headers: parsed
                            .headers
                            .iter()
                            .map(|header| (header.name.to_owned(), header.value.to_vec()))
                            .collect(),
                        ..HttpResponse::default()
                    };
                    buffered.held.advance(length);
                    return Ok(response);
                }
                Ok(httparse::Status::Partial) if buffered.held.len() <= MAX_HEAD_BYTES => {}
                Ok(httparse::Status::Partial) => {
                    return Err(SendError::NotHttp {
                        reason: format!("the head is longer than {MAX_HEAD_BYTES} bytes"),
                    });
                }
                Err(error) => {
                    return Err(SendError::NotHttp {
                        reason: error.to_string(),
                    });
                }
            }
        }
        let was_empty = buffered.held.is_empty();
        match buffered.fill().await {
            Ok(true) => {}
            Ok(false) if was_empty => return Err(SendError::NoResponse),
            Ok(false) => return Err(SendError::Truncated),
            // A process that dies resets its connections.
            Err(SendError::Broken { source })
                if was_empty && source.kind() == io::ErrorKind::ConnectionReset =>
            {
                return Err(SendError::NoResponse);
            }
            Err(error) => return Err(error),
        }
    }
}

fn is_chunked(response: &HttpResponse) -> bool {
    response
        .headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("transfer-encoding"))
        .any(|(_, value)| {
            String::from_utf8_lossy(value)
                .to_ascii_lowercase()
                .contains("chunked")
        })
}

fn content_lengths(response: &HttpResponse) -> Result<Option<usize>, SendError> {
    let mut found = None;
    for (_, value) in response
        .headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
    {
        let text = String::from_utf8_lossy(value);
        let length = text.trim().parse().map_err(|_| SendError::NotHttp {
            reason: format!("the content length {text:?} is not a number"),
        })?;
        if found.is_some_and(|other| other != length) {
            return Err(SendError::NotHttp {
                reason: "two different content lengths".to_owned(),
            });
        }
        found = Some(length);
    }
    Ok(found)
}

/// Undoes the content encodings, the last one first.
pub(crate) fn decode(raw: &Bytes, encodings: &str) -> Result<Bytes, String> {
    let mut body = raw.clone();
    if body.is_empty() {
        return Ok(body);
    }
    for encoding in encodings.rsplit(',').map(str::trim) {
        body = match encoding.to_ascii_lowercase().as_str() {
            "" | "identity" => body,
            "gzip" | "x-gzip" => inflate(flate2::read::MultiGzDecoder::new(&body[..]), encoding)?,
            // What most send is RFC 1950; some send RFC 1951 without its envelope.
            "deflate" => inflate(flate2::read::ZlibDecoder::new(&body[..]), encoding)
                .or_else(|_| inflate(flate2::read::DeflateDecoder::new(&body[..]), encoding))?,
            other => return Err(format!("the content encoding {other:?} cannot be decoded")),
        };
    }
    Ok(body)
}

fn inflate(decoder: impl Read, encoding: &str) -> Result<Bytes, String> {
    let mut body = Vec::new();
    let limit = u64::try_from(MAX_RESPONSE_BYTES).unwrap_or(u64::MAX);
    decoder
        .take(limit + 1)
        .read_to_end(&mut body)
        .map_err(|error| format!("the body is not {encoding}: {error}"))?;
    if body.len() > MAX_RESPONSE_BYTES {
        return Err(format!(
            "the decompressed body has more than {MAX_RESPONSE_BYTES} bytes"
        ));
    }
    Ok(body.into())
}

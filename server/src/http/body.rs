//! Bodies: CBOR or JSON, compressed or not, never larger than allowed once unpacked.

use std::future::Future;
use std::io::Read;
use std::pin::Pin;

use actix_web::body::EitherBody;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder, dev};
use futures_util::StreamExt as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sync_core::codec::Encoding;
use sync_core::sync::limits::MAX_REQUEST;
use sync_core::sync::{Frame, SyncRequest};

use super::problem::{Problem, ProblemType};
use crate::load::Held;

/// The largest body of anything but a sync, once unpacked.
const SMALL: usize = 64 * 1024;

/// What reading a body counts at least: its buffers and what is kept of the request.
const LEAST: usize = 16 * 1024;

/// A small body, read as `T` from the encoding its `Content-Type` names.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let request = request.clone();
        let payload = payload.take();
        Box::pin(async move {
            let encoding = either_encoding(&request)?;
            read(&request, payload, encoding).await.map(Body)
        })
    }
}

/// A small body, read as `T` from JSON: what passkeys are made of has no other form.
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for JsonBody<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let request = request.clone();
        let payload = payload.take();
        Box::pin(async move {
            if body_encoding(&request) != Some(Encoding::Json) {
                return Err(Problem::new(ProblemType::UnsupportedMedia)
                    .detail("send application/json: passkey ceremonies are spoken in it alone"));
            }
            read(&request, payload, Encoding::Json).await.map(JsonBody)
        })
    }
}

fn body_encoding(request: &HttpRequest) -> Option<Encoding> {
    header_text(request, header::CONTENT_TYPE).and_then(Encoding::of_media_type)
}

fn either_encoding(request: &HttpRequest) -> Result<Encoding, Problem> {
    body_encoding(request).ok_or_else(|| {
        Problem::new(ProblemType::UnsupportedMedia)
            .detail("send application/json or application/cbor")
    })
}

async fn read<T: DeserializeOwned>(
    request: &HttpRequest,
    payload: dev::Payload,
    encoding: Encoding,
) -> Result<T, Problem> {
    let bytes = read_body(request, payload, SMALL, |_| Ok(())).await?;
    decode(encoding, &bytes)
}

pub(super) fn decode<T: DeserializeOwned>(encoding: Encoding, bytes: &[u8]) -> Result<T, Problem> {
    let malformed = |error| Problem::new(ProblemType::Malformed).detail(format!("{error}"));
    encoding.read(bytes).map_err(malformed)
}

/// Reads a request to sync, of any size that the protocol allows, into the room that its person has.
///
/// # Errors
/// When it cannot be read, or there is no room for it at the moment.
pub async fn read_sync(
    request: &HttpRequest,
    payload: dev::Payload,
    held: &mut Held,
) -> Result<SyncRequest, Problem> {
    let encoding = either_encoding(request)?;
    let bytes = read_body(request, payload, MAX_REQUEST, |bytes| {
        Ok(held.resize(LEAST + bytes)?)
    })
    .await?;
    let sync: SyncRequest = decode(encoding, &bytes)?;
    let frame = sync.edits.as_ref().map_or(0, Frame::unpacked);
    if frame > MAX_REQUEST {
        return Err(too_large(MAX_REQUEST));
    }
    held.resize(LEAST + bytes.len() + frame)?;
    Ok(sync)
}

/// Reads and unpacks a body of at most `most` bytes; `grow` is told how many are in memory, before
/// there are more.
async fn read_body(
    request: &HttpRequest,
    mut payload: dev::Payload,
    most: usize,
    mut grow: impl FnMut(usize) -> Result<(), Problem>,
) -> Result<Vec<u8>, Problem> {
    grow(0)?;
    let mut packed = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| {
            Problem::new(ProblemType::Malformed).detail("the body did not arrive whole")
        })?;
        if packed.len() + chunk.len() > most {
            return Err(too_large(most));
        }
        grow(packed.len() + chunk.len())?;
        packed.extend_from_slice(&chunk);
    }
    let coding = header_text(request, header::CONTENT_ENCODING).unwrap_or("identity");
    unpack(coding.trim(), packed, most, grow)
}

fn too_large(most: usize) -> Problem {
    let said = format!("at most {most} bytes, after decompression");
    Problem::new(ProblemType::TooLarge).detail(said)
}

/// Undoes a content coding, piece by piece.
fn unpack(
    coding: &str,
    packed: Vec<u8>,
    most: usize,
    mut grow: impl FnMut(usize) -> Result<(), Problem>,
) -> Result<Vec<u8>, Problem> {
    let malformed = || Problem::new(ProblemType::Malformed).detail("the body does not decompress");
    let mut reader: Box<dyn Read + '_> = match coding {
        "identity" | "" => return Ok(packed),
        "zstd" => Box::new(zstd::Decoder::new(packed.as_slice()).map_err(|_| malformed())?),
        "gzip" => Box::new(flate2::read::MultiGzDecoder::new(packed.as_slice())),
        "br" => Box::new(brotli::Decompressor::new(packed.as_slice(), 4096)),
        _ => {
            return Err(Problem::new(ProblemType::UnsupportedMedia)
                .detail("Content-Encoding may be zstd, br or gzip"));
        }
    };
    let mut bytes = Vec::new();
    let mut piece = [0; 8 * 1024];
    loop {
        let read = reader.read(&mut piece).map_err(|_| malformed())?;
        if read == 0 {
            break;
        }
        if bytes.len() + read > most {
            return Err(too_large(most));
        }
        grow(packed.len() + bytes.len() + read)?;
        bytes.extend_from_slice(&piece[..read]);
    }
    drop(reader);
    Ok(bytes)
}

/// An answer, written in the encoding the request accepts: CBOR if it names that or, naming none,
/// was sent in it; else JSON.
pub struct Reply<T>(pub T);

impl<T: Serialize> Responder for Reply<T> {
    type Body = EitherBody<Vec<u8>>;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse<Self::Body> {
        let encoding = reply_encoding(request);
        HttpResponse::Ok()
            .insert_header((header::CONTENT_TYPE, encoding.media_type()))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .message_body(encoding.write(&self.0))
            .unwrap_or_else(|_| {
                HttpResponse::InternalServerError()
                    .finish()
                    .set_body(vec![])
            })
            .map_into_left_body()
    }
}

/// The encoding to answer a request in.
pub fn reply_encoding(request: &HttpRequest) -> Encoding {
    let accept = header_text(request, header::ACCEPT).unwrap_or("*/*");
    let named = accept.split(',').find_map(Encoding::of_media_type);
    named
        .or_else(|| body_encoding(request))
        .unwrap_or(Encoding::Json)
}

fn header_text(request: &HttpRequest, name: header::HeaderName) -> Option<&str> {
    request.headers().get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn packed(coding: &str, plain: &[u8]) -> Vec<u8> {
        match coding {
            "zstd" => zstd::encode_all(plain, 3).expect("packs"),
            "gzip" => {
                let mut writer =
                    flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
                writer.write_all(plain).expect("packs");
                writer.finish().expect("packs")
            }
            _ => {
                let mut writer = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 20);
                writer.write_all(plain).expect("packs");
                writer.into_inner()
            }
        }
    }

    #[test]
    fn what_unpacks_to_too_much_is_refused_before_it_is_held() {
        let bomb = vec![0; 1 << 21];
        for coding in ["zstd", "gzip", "br"] {
            let small = packed(coding, &bomb);
            assert!(small.len() < 1 << 16, "{coding}");
            let held = std::cell::Cell::new(0);
            let mut grow = |bytes| {
                held.set(bytes);
                Ok(())
            };
            let refused = unpack(coding, small.clone(), 1 << 19, &mut grow).expect_err("refused");
            assert_eq!(refused.kind(), ProblemType::TooLarge);
            assert!(held.get() <= (1 << 19) + small.len(), "{coding}");
            let whole = unpack(coding, small.clone(), 1 << 21, &mut grow).expect("reads");
            assert_eq!(whole.len(), 1 << 21);
            assert_eq!(held.get(), (1 << 21) + small.len());
            // Where there is no room for it, it goes no further.
            let full = |bytes| match bytes > 1 << 17 {
                true => Err(Problem::new(ProblemType::Unavailable)),
                false => Ok(()),
            };
            let refused = unpack(coding, small, 1 << 21, full).expect_err("refused");
            assert_eq!(refused.kind(), ProblemType::Unavailable);
        }
    }

    #[test]
    fn what_does_not_unpack_is_malformed() {
        for coding in ["zstd", "gzip", "br"] {
            let problem = unpack(coding, b"not packed at all".to_vec(), 100, |_| Ok(()))
                .expect_err("refused");
            assert_eq!(problem.kind(), ProblemType::Malformed, "{coding}");
        }
        let problem = unpack("compress", Vec::new(), 100, |_| Ok(())).expect_err("refused");
        assert_eq!(problem.kind(), ProblemType::UnsupportedMedia);
    }
}

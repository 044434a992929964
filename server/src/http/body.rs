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

use super::problem::{Problem, ProblemType};

/// A request's body, read as `T` from the encoding its `Content-Type` names.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let request = request.clone();
        let payload = payload.take();
        Box::pin(async move {
            let encoding = body_encoding(&request).ok_or_else(|| {
                Problem::new(ProblemType::UnsupportedMedia)
                    .detail("send application/json or application/cbor")
            })?;
            read(&request, payload, encoding).await.map(Body)
        })
    }
}

/// A request's body, read as `T` from JSON: what passkeys are made of has no other form.
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

async fn read<T: DeserializeOwned>(
    request: &HttpRequest,
    payload: dev::Payload,
    encoding: Encoding,
) -> Result<T, Problem> {
    let bytes = read_body(request, payload).await?;
    let malformed = |error| Problem::new(ProblemType::Malformed).detail(format!("{error}"));
    encoding.read(&bytes).map_err(malformed)
}

/// Reads and unpacks a body, at most as much as the protocol allows.
async fn read_body(request: &HttpRequest, mut payload: dev::Payload) -> Result<Vec<u8>, Problem> {
    let limit = MAX_REQUEST;
    let too_large = || {
        Problem::new(ProblemType::TooLarge)
            .detail(format!("at most {limit} bytes, after decompression"))
    };
    let mut packed = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| {
            Problem::new(ProblemType::Malformed).detail("the body did not arrive whole")
        })?;
        if packed.len() + chunk.len() > limit {
            return Err(too_large());
        }
        packed.extend_from_slice(&chunk);
    }
    let coding = header_text(request, header::CONTENT_ENCODING).unwrap_or("identity");
    match unpack(coding.trim(), &packed, limit) {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(too_large()),
        Err(problem) => Err(problem),
    }
}

/// Undoes a content coding; nothing if the result would be larger than the limit.
fn unpack(coding: &str, packed: &[u8], limit: usize) -> Result<Option<Vec<u8>>, Problem> {
    let malformed = || Problem::new(ProblemType::Malformed).detail("the body does not decompress");
    let reader: Box<dyn Read + '_> = match coding {
        "identity" | "" => return Ok(Some(packed.to_vec())),
        "zstd" => Box::new(zstd::Decoder::new(packed).map_err(|_| malformed())?),
        "gzip" => Box::new(flate2::read::MultiGzDecoder::new(packed)),
        "br" => Box::new(brotli::Decompressor::new(packed, 4096)),
        _ => {
            return Err(Problem::new(ProblemType::UnsupportedMedia)
                .detail("Content-Encoding may be zstd, br or gzip"));
        }
    };
    let mut bytes = Vec::new();
    reader
        .take(limit as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|_| malformed())?;
    Ok((bytes.len() <= limit).then_some(bytes))
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
            assert!(unpack(coding, &small, 1 << 19).expect("reads").is_none());
            let whole = unpack(coding, &small, 1 << 21).expect("reads");
            assert_eq!(whole.map(|b| b.len()), Some(1 << 21));
        }
    }

    #[test]
    fn what_does_not_unpack_is_malformed() {
        for coding in ["zstd", "gzip", "br"] {
            let problem = unpack(coding, b"not packed at all", 100).expect_err("refused");
            assert_eq!(problem.kind(), ProblemType::Malformed, "{coding}");
        }
        let problem = unpack("compress", b"", 100).expect_err("refused");
        assert_eq!(problem.kind(), ProblemType::UnsupportedMedia);
    }
}

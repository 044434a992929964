//! Answers that are sent piece by piece, and count as their person's until they were.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use super::body::reply_encoding;
use super::problem::Problem;
use crate::load::Held;

/// How much of an answer is given to the connection at once: it copies what it has not sent.
const PIECE: usize = 32 * 1024;

/// A body that somebody who does not read it keeps in memory once, however often it is asked for,
/// or that counts as that person's.
pub struct HeldBody {
    rest: Bytes,
    /// Given back when all was passed on, or the connection ends.
    _held: Option<Held>,
}

impl HeldBody {
    /// A body that all answers share.
    pub fn shared(body: Bytes) -> Self {
        Self {
            rest: body,
            _held: None,
        }
    }

    /// A body of one person's.
    ///
    /// # Errors
    /// When the person, or all people together, have no room for it at the moment.
    pub fn of(body: Vec<u8>, mut held: Held) -> Result<Self, Problem> {
        held.resize(body.len())?;
        Ok(Self {
            rest: body.into(),
            _held: Some(held),
        })
    }
}

impl MessageBody for HeldBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.rest.len() as u64)
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        let piece = PIECE.min(self.rest.len());
        Poll::Ready((piece > 0).then(|| Ok(self.rest.split_to(piece))))
    }
}

/// An answer as [`super::Reply`] gives one, which counts as its person's until it was sent.
///
/// # Errors
/// When there is no room for it at the moment. What was asked for was done all the same.
pub fn held_reply<T: Serialize>(
    request: &HttpRequest,
    answer: &T,
    held: Held,
) -> Result<HttpResponse, Problem> {
    let encoding = reply_encoding(request);
    let body = HeldBody::of(encoding.write(answer), held)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, encoding.media_type()))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(body))
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use sync_core::PersonId;
    use uuid::Uuid;

    use super::*;
    use crate::http::ProblemType;
    use crate::load::{Load, SHARE};

    const PERSON: PersonId = PersonId(Uuid::from_u128(1));

    #[actix_web::test]
    async fn an_answer_counts_until_its_last_piece_was_taken() {
        let load = Load::new(SHARE);
        let whole: Vec<u8> = (0..SHARE).map(|at| at as u8).collect();
        let mut body = HeldBody::of(whole.clone(), load.begin(PERSON)).expect("fits");
        assert_eq!(body.size(), BodySize::Sized(SHARE as u64));
        let refused = HeldBody::of(vec![0], load.begin(PERSON)).map(drop);
        let refused = refused.expect_err("no room");
        assert_eq!(refused.kind(), ProblemType::TooMany);
        let mut taken = Vec::new();
        while let Some(Ok(piece)) = poll_fn(|context| Pin::new(&mut body).poll_next(context)).await
        {
            assert!(piece.len() <= PIECE);
            assert_eq!(load.holders(PERSON), 1);
            taken.extend_from_slice(&piece);
        }
        assert!(taken == whole);
        drop(body);
        assert_eq!(load.holders(PERSON), 0);
    }
}

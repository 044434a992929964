//! Reading from front to back: numbers in LEB128, and bytes after their number.

/// What was to be read is not all there, or is no number of 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CutShort;

/// What is left to read.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'b>(pub &'b [u8]);

impl<'b> Reader<'b> {
    pub fn byte(&mut self) -> Result<u8, CutShort> {
        let (first, rest) = self.0.split_first().ok_or(CutShort)?;
        self.0 = rest;
        Ok(*first)
    }

    pub fn number(&mut self) -> Result<u64, CutShort> {
        leb128::read::unsigned(&mut self.0).map_err(|_| CutShort)
    }

    /// A number that is a length, or one of a few things.
    pub fn count(&mut self) -> Result<usize, CutShort> {
        usize::try_from(self.number()?).map_err(|_| CutShort)
    }

    pub fn signed(&mut self) -> Result<i64, CutShort> {
        leb128::read::signed(&mut self.0).map_err(|_| CutShort)
    }

    /// A number by its difference to another.
    pub fn difference(&mut self, before: u64) -> Result<u64, CutShort> {
        Ok(before.wrapping_add(self.signed()?.cast_unsigned()))
    }

    pub fn take(&mut self, length: usize) -> Result<&'b [u8], CutShort> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(CutShort)?;
        self.0 = rest;
        Ok(taken)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], CutShort> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(CutShort)?;
        self.0 = rest;
        Ok(*taken)
    }

    /// Bytes after their number.
    pub fn prefixed(&mut self) -> Result<&'b [u8], CutShort> {
        let length = self.count()?;
        self.take(length)
    }
}

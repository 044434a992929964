//! Sets of changes, by their places in a history.

/// A set of places in a history.
pub(super) struct Bits(Vec<u64>);

impl Bits {
    pub fn new(places: usize) -> Self {
        Bits(vec![0; places.div_ceil(64)])
    }

    pub fn insert(&mut self, place: usize) {
        self.0[place / 64] |= 1 << (place % 64);
    }

    pub fn contains(&self, place: usize) -> bool {
        let word = self.0.get(place / 64);
        word.is_some_and(|word| word & (1 << (place % 64)) != 0)
    }

    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        let words = self.0.iter().enumerate();
        words.flat_map(|(at, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = left.trailing_zeros();
                left &= left.checked_sub(1)?;
                Some(at * 64 + bit as usize)
            })
        })
    }

    pub fn retain(&mut self, keep: impl Fn(usize) -> bool) {
        let dropped: Vec<usize> = self.iter().filter(|place| !keep(*place)).collect();
        for place in dropped {
            self.0[place / 64] &= !(1 << (place % 64));
        }
    }

    pub fn join(&mut self, other: &Bits) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine |= theirs;
        }
    }
}

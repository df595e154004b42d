//! Sets of connections, by their keys.

/// A set of small numbers in which everything takes the same short time, and nothing is allocated
/// for what was in it before: a turn puts one connection into several sets and takes it out again.
///
/// A sparse set (P. Briggs and L. Torczon, "An efficient representation for sparse sets", 1993).
#[derive(Debug, Default)]
pub(crate) struct KeySet {
    /// The members, in the order in which they came, but for what took the place of others.
    members: Vec<usize>,
    /// By key, the place among the members of whichever had it last.
    places: Vec<usize>,
}

impl KeySet {
    pub(crate) fn insert(&mut self, key: usize) {
        if self.contains(key) {
            return;
        }
        if key >= self.places.len() {
            self.places.resize(key + 1, 0);
        }
        self.places[key] = self.members.len();
        self.members.push(key);
    }

    /// Takes a key out; returns whether it was there.
    pub(crate) fn remove(&mut self, key: usize) -> bool {
        if !self.contains(key) {
            return false;
        }
        let place = self.places[key];
        self.members.swap_remove(place);
        if let Some(&moved) = self.members.get(place) {
            self.places[moved] = place;
        }
        true
    }

    pub(crate) fn contains(&self, key: usize) -> bool {
        self.places.get(key).is_some_and(|&place| self.members.get(place) == Some(&key))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.members.iter().copied()
    }

    pub(crate) fn retain(&mut self, mut is_kept: impl FnMut(usize) -> bool) {
        let mut place = 0;
        while let Some(&key) = self.members.get(place) {
            if is_kept(key) {
                place += 1;
            } else {
                self.remove(key);
            }
        }
    }

    /// Moves all but the first `count` to another set.
    pub(crate) fn move_rest(&mut self, count: usize, to: &mut Self) {
        to.extend(self.members.drain(count.min(self.members.len())..));
    }

    pub(crate) fn clear(&mut self) {
        self.members.clear();
    }
}

impl Extend<usize> for KeySet {
    fn extend<I: IntoIterator<Item = usize>>(&mut self, keys: I) {
        keys.into_iter().for_each(|key| self.insert(key));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn it_is_a_set_whatever_comes_and_goes() {
        let (mut set, mut model) = (KeySet::default(), BTreeSet::new());
        let mut state = 1_u64;
        for _ in 0..10_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let key = (state >> 33) as usize % 50;
            match (state >> 60) % 16 {
                0..=6 => {
                    set.insert(key);
                    model.insert(key);
                }
                7..=12 => assert_eq!(set.remove(key), model.remove(&key)),
                13 if key < 5 => {
                    let mut rest = KeySet::default();
                    set.move_rest(key, &mut rest);
                    assert!(set.iter().count() <= key);
                    rest.iter().for_each(|key| assert!(model.remove(&key)));
                }
                13 => {
                    set.retain(|of| of % 3 != key % 3);
                    model.retain(|of| of % 3 != key % 3);
                }
                14 => {
                    set.extend([key, key + 1]);
                    model.extend([key, key + 1]);
                }
                _ => {
                    set.clear();
                    model.clear();
                }
            }
            assert_eq!(set.iter().collect::<BTreeSet<_>>(), model);
            assert_eq!(set.iter().count(), model.len());
            assert_eq!(
                (set.is_empty(), set.contains(key)),
                (model.is_empty(), model.contains(&key))
            );
        }
    }
}

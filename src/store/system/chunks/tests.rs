//! Values in pieces, with a crash after every step.

use std::{cell::RefCell, collections::BTreeMap};

use super::*;

const NAME: &str = "Claviger:login";

/// Items in memory, which change only so many more times: then the process has crashed.
#[derive(Default)]
struct Fake {
    items: RefCell<BTreeMap<String, Vec<u8>>>,
    changes_left: RefCell<Option<usize>>,
}

impl Fake {
    fn crashing_after(&self, changes: usize) -> &Self {
        *self.changes_left.borrow_mut() = Some(changes);
        self
    }

    fn restarted(&self) -> &Self {
        *self.changes_left.borrow_mut() = None;
        self
    }

    fn change(&self) -> Result<(), StoreError> {
        match &mut *self.changes_left.borrow_mut() {
            Some(0) => Err(StoreError::failed("the fake", "crashed")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn get(&self) -> Option<Vec<u8>> {
        get(self, NAME).unwrap().map(|value| value.to_vec())
    }

    fn len(&self) -> usize {
        self.items.borrow().len()
    }
}

impl Items for Fake {
    fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        Ok(self.items.borrow().get(name).cloned().map(Zeroizing::new))
    }

    fn write(&self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        assert!(value.len() <= CHUNK_LEN, "the system would refuse it");
        self.change()?;
        self.items
            .borrow_mut()
            .insert(name.to_owned(), value.to_vec());
        Ok(())
    }

    fn delete(&self, name: &str) -> Result<(), StoreError> {
        self.change()?;
        self.items.borrow_mut().remove(name);
        Ok(())
    }

    fn names(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let items = self.items.borrow();
        let names = items.keys().filter(|name| name.starts_with(prefix));
        Ok(names.cloned().collect())
    }

    fn damaged(&self) -> StoreError {
        StoreError::failed("the fake", "damaged")
    }
}

/// A value that no other length or seed has.
fn value(seed: u8, len: usize) -> Vec<u8> {
    (0..len)
        .map(|at| seed.wrapping_add((at / 7) as u8))
        .collect()
}

const LENGTHS: [usize; 6] = [0, 1, CHUNK_LEN, CHUNK_LEN + 1, 3 * CHUNK_LEN, 20_000];

#[test]
fn values_of_every_length_are_stored_replaced_and_deleted() {
    for (old, new) in LENGTHS.into_iter().flat_map(|a| LENGTHS.map(|b| (a, b))) {
        let fake = Fake::default();
        assert_eq!(fake.get(), None);
        put(&fake, NAME, &value(1, old), "a").unwrap();
        assert_eq!(fake.get(), Some(value(1, old)));
        put(&fake, NAME, &value(2, new), "b").unwrap();
        assert_eq!(fake.get(), Some(value(2, new)));
        assert_eq!(fake.len(), 1 + new.div_ceil(CHUNK_LEN), "nothing is left");
        delete(&fake, NAME).unwrap();
        assert_eq!((fake.get(), fake.len()), (None, 0));
        delete(&fake, NAME).unwrap();
    }
}

#[test]
fn a_crash_at_any_step_leaves_the_old_value_or_the_new_one() {
    for (old, new) in LENGTHS.into_iter().flat_map(|a| LENGTHS.map(|b| (a, b))) {
        for changes in 0.. {
            let fake = Fake::default();
            put(&fake, NAME, &value(1, old), "a").unwrap();
            let crashed = put(fake.crashing_after(changes), NAME, &value(2, new), "b");
            let found = fake.restarted().get();
            match crashed {
                Ok(()) => assert_eq!(found, Some(value(2, new))),
                Err(_) => assert_eq!(found, Some(value(1, old))),
            }
            // The next write removes what is left.
            put(&fake, NAME, &value(3, new), "c").unwrap();
            assert_eq!(fake.get(), Some(value(3, new)));
            assert_eq!(fake.len(), 1 + new.div_ceil(CHUNK_LEN));
            if changes > 2 * (1 + 20_000 / CHUNK_LEN) + 2 {
                break;
            }
        }
    }
}

#[test]
fn a_crash_in_a_logout_leaves_all_or_nothing() {
    for changes in 0..10 {
        let fake = Fake::default();
        put(&fake, NAME, &value(1, 20_000), "a").unwrap();
        let _ = delete(fake.crashing_after(changes), NAME);
        let found = fake.restarted().get();
        assert!(found.is_none() || found == Some(value(1, 20_000)));
        delete(&fake, NAME).unwrap();
        assert_eq!(fake.len(), 0);
    }
}

#[test]
fn a_missing_or_changed_piece_is_damage_until_the_next_write() {
    let intact = Fake::default();
    put(&intact, NAME, &value(1, 6_000), "a").unwrap();
    for name in intact.names(NAME).unwrap() {
        for change in [None, Some(&b"?"[..]), Some(&b"1 a 99999999999 1"[..])] {
            let items = RefCell::new(intact.items.borrow().clone());
            match change {
                Some(bytes) => items.borrow_mut().insert(name.clone(), bytes.to_vec()),
                None => items.borrow_mut().remove(&name),
            };
            let fake = Fake {
                items,
                ..Fake::default()
            };
            let is_gone = change.is_none() && name == NAME;
            assert_eq!(get(&fake, NAME).is_err(), !is_gone, "{name}, {change:?}");
            put(&fake, NAME, &value(2, 10), "b").unwrap();
            assert_eq!(fake.get(), Some(value(2, 10)));
        }
    }
}

#[test]
fn names_that_start_alike_do_not_mix() {
    let fake = Fake::default();
    let longer = format!("{NAME}2");
    put(&fake, NAME, &value(1, 6_000), "a").unwrap();
    put(&fake, &longer, &value(2, 6_000), "a").unwrap();
    delete(&fake, NAME).unwrap();
    assert_eq!(*get(&fake, &longer).unwrap().unwrap(), value(2, 6_000));
}

#[test]
fn a_reader_sees_the_value_of_a_writer_in_between() {
    /// Items that another process replaces after the first header was read.
    struct Raced<'a>(&'a Fake, RefCell<bool>);

    impl Items for Raced<'_> {
        fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
            let read = self.0.read(name);
            if !self.1.replace(true) {
                put(self.0, NAME, &value(2, 6_000), "b").unwrap();
            }
            read
        }

        fn write(&self, _: &str, _: &[u8]) -> Result<(), StoreError> {
            Err(self.damaged())
        }

        fn delete(&self, _: &str) -> Result<(), StoreError> {
            Err(self.damaged())
        }

        fn names(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
            self.0.names(prefix)
        }

        fn damaged(&self) -> StoreError {
            self.0.damaged()
        }
    }

    let fake = Fake::default();
    put(&fake, NAME, &value(1, 6_000), "a").unwrap();
    let raced = Raced(&fake, RefCell::default());
    assert_eq!(*get(&raced, NAME).unwrap().unwrap(), value(2, 6_000));
}

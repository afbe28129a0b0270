//! What is remembered of one route: what wrong keys got, by form, and the keys that it has
//! confirmed. Pure, and bounded.

use std::{collections::VecDeque, time::Duration};

use super::{
    answer::Answer,
    evidence::{Confirmed, Past, WrongKey},
    form::Form,
};
use crate::{clock::Tick, gateway::Calibration, secret::Fingerprint};

/// How long a calibration is valid. Gateways change their configuration rarely, and each
/// calibration puts a rejected request into the gateway's log.
pub(crate) const CALIBRATION_TTL: Duration = Duration::from_secs(24 * 3600);

/// How long an inconclusive calibration is valid: a gateway that was down must be calibrated soon
/// after it is back.
pub(super) const UNKNOWN_CALIBRATION_TTL: Duration = Duration::from_secs(60);

/// How old a calibration may be if a first success is to be compared with it. In between, the
/// gateway may have begun to answer any key in that way.
pub(super) const CONTRAST_AGE: Duration = Duration::from_secs(10);

/// The most keys that are remembered: a rotation makes a few a day.
const MAX_KEYS: usize = 16;

/// The most forms of keys. A profile's source makes keys of one form, rarely of two.
const MAX_FORMS: usize = 8;

/// See the module.
#[derive(Default)]
pub(super) struct Memory {
    /// The form that was used last is at the end.
    forms: VecDeque<FormMemory>,
    /// The key that was confirmed last is at the end.
    keys: VecDeque<KeyMemory>,
    last_form: Option<Form>,
}

struct FormMemory {
    form: Form,
    /// What a wrong key got, and when.
    wrong: Option<(Tick, WrongKey)>,
    /// What a wrong key got when the route last confirmed a key.
    contrast: Option<Answer>,
}

struct KeyMemory {
    fingerprint: Fingerprint,
    how: Confirmed,
    contrast: Answer,
}

impl FormMemory {
    /// Whether a key got another answer than a wrong one, which got `wrong`.
    fn is_confirmed(&self, wrong: WrongKey) -> bool {
        matches!(wrong, WrongKey::Refused(got) if self.contrast == Some(got))
    }

    fn is_valid(&self, at: Tick, wrong: WrongKey, now: Tick) -> bool {
        let ttl = match wrong.is_informative() || self.is_confirmed(wrong) {
            true => CALIBRATION_TTL,
            false => UNKNOWN_CALIBRATION_TTL,
        };
        now.since(at) < ttl
    }
}

impl Memory {
    /// What a wrong key of this form got, unless that is too old. The form becomes the one that
    /// [`Memory::calibration`] is about.
    pub(super) fn wrong(&mut self, form: &Form, now: Tick) -> Option<WrongKey> {
        self.last_form = Some(form.clone());
        let memory = self.form(form)?;
        let (at, wrong) = memory.wrong?;
        memory.is_valid(at, wrong, now).then_some(wrong)
    }

    /// As [`Memory::wrong`], if it is good enough to be compared with the answer that a key has
    /// just got: recent, and no error that passes, which would look like a refusal.
    pub(super) fn comparable_wrong(&mut self, form: &Form, now: Tick) -> Option<WrongKey> {
        let (at, wrong) = self.form(form)?.wrong?;
        let is_doubtful = matches!(wrong, WrongKey::Refused(_)) && !wrong.is_informative();
        (now.since(at) < CONTRAST_AGE && !is_doubtful).then_some(wrong)
    }

    /// Records what a wrong key of this form got.
    ///
    /// No answer does not replace one that is still valid.
    pub(super) fn set_wrong(&mut self, form: &Form, now: Tick, wrong: WrongKey) {
        if wrong == WrongKey::Unanswered && self.wrong(form, now).is_some() {
            return;
        }
        if let Some(memory) = self.form(form) {
            memory.wrong = Some((now, wrong));
            return;
        }
        if self.forms.len() == MAX_FORMS {
            self.forms.pop_front();
        }
        self.forms.push_back(FormMemory {
            form: form.clone(),
            wrong: Some((now, wrong)),
            contrast: None,
        });
    }

    /// How the route confirmed the key with this fingerprint, and keys of this form.
    pub(super) fn past(&mut self, form: &Form, key: &Fingerprint) -> Past {
        let of_key = self.keys.iter().find(|known| known.fingerprint == *key);
        Past {
            key: of_key.map(|known| (known.how, known.contrast)),
            form: self.form(form).and_then(|memory| memory.contrast),
        }
    }

    /// Whether a key of this form was confirmed in contrast to what wrong keys get now.
    pub(super) fn is_contrasted(&mut self, form: &Form) -> bool {
        self.form(form).is_some_and(|memory| {
            memory
                .wrong
                .is_some_and(|(_, wrong)| memory.is_confirmed(wrong))
        })
    }

    /// Records that the route confirmed a key of this form while a wrong one got `wrong`.
    pub(super) fn confirm(
        &mut self,
        form: &Form,
        key: &Fingerprint,
        how: Confirmed,
        wrong: Answer,
    ) {
        if let Some(memory) = self.form(form) {
            memory.contrast = Some(wrong);
        }
        let known = self.keys.iter().position(|known| known.fingerprint == *key);
        let before = known.and_then(|at| self.keys.remove(at));
        if self.keys.len() == MAX_KEYS {
            self.keys.pop_front();
        }
        self.keys.push_back(KeyMemory {
            fingerprint: key.clone(),
            how: before.map_or(how, |before| before.how.max(how)),
            contrast: wrong,
        });
    }

    /// What the answers are worth for keys of the form that was probed last.
    pub(super) fn calibration(&self) -> Calibration {
        let last = self.last_form.as_ref();
        let mut forms = self.forms.iter();
        let Some(memory) = forms.find(|memory| Some(&memory.form) == last) else {
            return Calibration::Unknown;
        };
        memory.wrong.map_or(Calibration::Unknown, |(_, wrong)| {
            wrong.calibration(memory.is_confirmed(wrong))
        })
    }

    /// Forgets all but the keys that the route itself has confirmed.
    pub(super) fn recalibrate(&mut self) {
        self.forms.clear();
    }

    /// The memory of `form`, which becomes the last to be discarded.
    fn form(&mut self, form: &Form) -> Option<&mut FormMemory> {
        let at = self.forms.iter().position(|memory| memory.form == *form)?;
        let memory = self.forms.remove(at)?;
        self.forms.push_back(memory);
        self.forms.back_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::answer::Body, *};
    use crate::secret::Secret;

    const START: Tick = Tick(Duration::from_secs(1000));

    fn answer(status: u16) -> Answer {
        Answer {
            status,
            body: Body::Json,
            error: None,
        }
    }

    fn form(prefix: usize) -> Form {
        Form::Prefixed(format!("p{prefix}-"))
    }

    fn key(number: usize) -> Fingerprint {
        Secret::new(format!("key-{number}")).fingerprint()
    }

    const REFUSED: u16 = 401;

    #[test]
    fn a_calibration_is_valid_for_a_day_and_an_unknown_one_for_a_minute() {
        let page = Answer {
            body: Body::Page,
            ..answer(403)
        };
        for (wrong, ttl) in [
            (WrongKey::Refused(answer(REFUSED)), CALIBRATION_TTL),
            (WrongKey::Accepted, CALIBRATION_TTL),
            (WrongKey::Unanswered, UNKNOWN_CALIBRATION_TTL),
            (WrongKey::Refused(page), UNKNOWN_CALIBRATION_TTL),
        ] {
            let mut memory = Memory::default();
            assert_eq!(memory.wrong(&Form::Plain, START), None);
            memory.set_wrong(&Form::Plain, START, wrong);
            let last = START + ttl.checked_sub(Duration::from_secs(1)).unwrap();
            assert_eq!(memory.wrong(&Form::Plain, last), Some(wrong));
            assert_eq!(memory.wrong(&Form::Plain, START + ttl), None);
        }
        // An answer that alone proves nothing is confirmed by a key that got another.
        let mut memory = Memory::default();
        memory.set_wrong(&Form::Plain, START, WrongKey::Refused(page));
        memory.confirm(&Form::Plain, &key(1), Confirmed::Accepted, page);
        let later = START + UNKNOWN_CALIBRATION_TTL;
        assert!(memory.wrong(&Form::Plain, later).is_some());
    }

    #[test]
    fn each_form_has_its_own_calibration() {
        let mut memory = Memory::default();
        memory.set_wrong(&Form::Jwt, START, WrongKey::Accepted);
        memory.set_wrong(&form(1), START, WrongKey::Refused(answer(REFUSED)));
        assert!(memory.wrong(&form(2), START).is_none());
        assert_eq!(memory.calibration(), Calibration::Unknown);
        memory.wrong(&Form::Jwt, START);
        assert_eq!(memory.calibration(), Calibration::AcceptsAnyKey);
        memory.recalibrate();
        assert_eq!(memory.wrong(&Form::Jwt, START), None);
        assert_eq!(memory.calibration(), Calibration::Unknown);
    }

    #[test]
    fn no_answer_does_not_replace_a_valid_one() {
        let mut memory = Memory::default();
        memory.set_wrong(&Form::Jwt, START, WrongKey::Accepted);
        memory.set_wrong(&Form::Jwt, START, WrongKey::Unanswered);
        assert_eq!(memory.wrong(&Form::Jwt, START), Some(WrongKey::Accepted));
        let later = START + CALIBRATION_TTL;
        memory.set_wrong(&Form::Jwt, later, WrongKey::Unanswered);
        assert_eq!(memory.wrong(&Form::Jwt, later), Some(WrongKey::Unanswered));
    }

    #[test]
    fn a_key_keeps_the_best_that_it_got() {
        let mut memory = Memory::default();
        memory.confirm(&form(1), &key(1), Confirmed::Accepted, answer(REFUSED));
        memory.confirm(&form(1), &key(1), Confirmed::Known, answer(400));
        let past = memory.past(&form(1), &key(1));
        assert_eq!(past.key, Some((Confirmed::Accepted, answer(400))));
        assert_eq!(past.form, None, "the form has no calibration any more");
        memory.recalibrate();
        assert!(memory.past(&form(1), &key(1)).key.is_some());
        assert!(memory.past(&form(1), &key(2)).key.is_none());
    }

    #[test]
    fn the_oldest_keys_and_forms_are_forgotten() {
        let mut memory = Memory::default();
        for number in 0..100 {
            memory.set_wrong(&form(number), START, WrongKey::Accepted);
            memory.confirm(
                &form(number),
                &key(number),
                Confirmed::Known,
                answer(REFUSED),
            );
            // In use all the time.
            assert!(memory.wrong(&form(0), START).is_some());
            memory.confirm(&form(0), &key(0), Confirmed::Known, answer(REFUSED));
        }
        assert_eq!(memory.keys.len(), MAX_KEYS);
        assert_eq!(memory.forms.len(), MAX_FORMS);
        assert!(memory.past(&form(0), &key(0)).key.is_some());
        assert!(memory.past(&form(99), &key(99)).key.is_some());
        assert!(memory.past(&form(50), &key(50)).key.is_none());
    }
}

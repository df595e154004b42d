//! A dict, a set and a namespace as they should be: their keys and values are numbers.

use std::collections::BTreeMap;

use sync_objects::{DictUpdate, NumberKind, Removed, SetMember};
use sync_proto::message::WireHandle;
use sync_proto::{Data, ErrorKind, Payload, SessionId, Token};

use super::{Model, Step, agree, decode, maybe_number, number, read, refused_rightly};

/// Entries in the order in which their keys came in.
#[derive(Debug, Default)]
pub(super) struct Dict {
    entries: Vec<(i64, i64)>,
    /// Who is about to write which entry.
    turns: BTreeMap<i64, (SessionId, Token)>,
}

impl Dict {
    fn find(&self, key: i64) -> Option<i64> {
        self.entries.iter().find(|&&(of, _)| of == key).map(|&(_, value)| value)
    }

    fn put(&mut self, key: i64, value: Option<i64>) -> Result<Option<i64>, String> {
        if let Some((session, turn)) = self.turns.get(&key) {
            return Err(format!("{key} is written during {session}'s turn {turn}"));
        }
        let at = self.entries.iter().position(|&(of, _)| of == key);
        Ok(match (at, value) {
            (Some(at), Some(value)) => Some(std::mem::replace(&mut self.entries[at].1, value)),
            (Some(at), None) => Some(self.entries.remove(at).1),
            (None, Some(value)) => {
                self.entries.push((key, value));
                None
            }
            (None, None) => None,
        })
    }

    fn end_turn(&mut self, step: &Step<'_>, token: Token) -> Result<Option<i64>, String> {
        let turn = self.turns.iter().find(|&(_, &turn)| turn == (step.session, token));
        let key = turn.map(|(&key, _)| key);
        // A one-way message that failed is told to nobody.
        if key.is_none() && step.answer.is_some() {
            return Err(format!("{token} is no turn"));
        }
        key.map(|key| self.turns.remove(&key));
        Ok(key)
    }

    fn write(&mut self, step: &Step<'_>) -> Result<(), String> {
        match step.method {
            "set" | "insert" => {
                let (key, value): (Payload, Payload) = read(Some(step.args))?;
                let before = self.put(number(&key)?, Some(number(&value)?))?;
                if step.method == "set" {
                    return Ok(());
                }
                let found: Option<Payload> = read(step.answer)?;
                agree("the value before", &maybe_number(found.as_ref())?, &before)
            }
            "get_or_insert" => {
                let (key, value): (Payload, Payload) = read(Some(step.args))?;
                let key = number(&key)?;
                // Who finds the key only reads, also during somebody's turn.
                let wanted = match self.find(key) {
                    Some(found) => found,
                    None => {
                        self.put(key, Some(number(&value)?))?;
                        number(&value)?
                    }
                };
                agree("the value", &number(&read(step.answer)?)?, &wanted)
            }
            "remove" => {
                let (key,): (Payload,) = read(Some(step.args))?;
                let before = self.put(number(&key)?, None)?;
                let removed: Option<Removed> = read(step.answer)?;
                let found = maybe_number(removed.as_ref().map(|removed| &removed.value))?;
                agree("the value", &found, &before)
            }
            "delete" => {
                let (key,): (Payload,) = read(Some(step.args))?;
                let was_there = self.put(number(&key)?, None)?.is_some();
                agree("whether it was there", &read(step.answer)?, &was_there)
            }
            "pop_last" => {
                let last = self.entries.last().copied();
                let removed: Option<Removed> = read(step.answer)?;
                let found =
                    removed.map(|of| Ok::<_, String>((number(&of.key)?, number(&of.value)?)));
                agree("the last entry", &found.transpose()?, &last)?;
                last.map_or(Ok(()), |(key, _)| self.put(key, None).map(drop))
            }
            "add" => {
                let (key, _, amount): (Payload, NumberKind, Payload) = read(Some(step.args))?;
                let key = number(&key)?;
                let sum = self.find(key).unwrap_or(0) + number(&amount)?;
                self.put(key, Some(sum))?;
                agree("the sum", &number(&read(step.answer)?)?, &sum)
            }
            "clear" => {
                let keys: Vec<_> = self.entries.iter().map(|&(key, _)| key).collect();
                keys.into_iter().try_for_each(|key| self.put(key, None).map(drop))
            }
            _ => self.turn(step),
        }
    }

    fn turn(&mut self, step: &Step<'_>) -> Result<(), String> {
        match step.method {
            "begin_update" => {
                let (key,): (Payload,) = read(Some(step.args))?;
                let (key, update): (_, DictUpdate) = (number(&key)?, read(step.answer)?);
                let before = self.turns.insert(key, (step.session, update.token));
                agree("the turn before", &before, &None)?;
                agree("the value", &maybe_number(update.value.as_ref())?, &self.find(key))
            }
            "commit_update" => {
                let (token, value): (Token, Option<Payload>) = read(Some(step.args))?;
                let value = maybe_number(value.as_ref())?;
                self.end_turn(step, token)?.map_or(Ok(()), |key| self.put(key, value).map(drop))
            }
            "cancel_update" => {
                let (token,): (Token,) = read(Some(step.args))?;
                self.end_turn(step, token).map(drop)
            }
            other => Err(format!("{other} is not in the model")),
        }
    }
}

impl Model for Dict {
    fn check(&mut self, step: &Step<'_>) -> Result<(), String> {
        match step.method {
            "get" => {
                let (key,): (Payload,) = read(Some(step.args))?;
                let found: Option<Payload> = read(step.answer)?;
                agree("the value", &maybe_number(found.as_ref())?, &self.find(number(&key)?))
            }
            "contains_key" => {
                let (key,): (Payload,) = read(Some(step.args))?;
                let is_there = self.find(number(&key)?).is_some();
                agree("whether it is there", &read(step.answer)?, &is_there)
            }
            "len" => agree("len", &read(step.answer)?, &(self.entries.len() as u64)),
            _ => self.write(step),
        }
    }

    fn session_ended(&mut self, gone: SessionId) {
        self.turns.retain(|_, &mut (session, _)| session != gone);
    }

    fn refused(&mut self, step: &Step<'_>, kind: ErrorKind) -> Result<(), String> {
        match (step.method, kind) {
            (_, ErrorKind::TimedOut) => {
                refused_rightly(!self.could_serve(step.method, step.args), kind)
            }
            ("commit_update" | "cancel_update", ErrorKind::NotOwner) => {
                let token = match step.method {
                    "commit_update" => read::<(Token, Option<Payload>)>(Some(step.args))?.0,
                    _ => read::<(Token,)>(Some(step.args))?.0,
                };
                let is_turn = self.turns.values().any(|&turn| turn == (step.session, token));
                refused_rightly(!is_turn, kind)
            }
            _ => refused_rightly(false, kind),
        }
    }

    fn could_serve(&self, method: &str, args: &Data<WireHandle>) -> bool {
        match method {
            "begin_update" => {
                let key = decode::<(Payload,)>(args).and_then(|(key,)| number(&key).ok());
                key.is_some_and(|key| !self.turns.contains_key(&key))
            }
            "get" | "contains_key" | "len" | "commit_update" | "cancel_update" => true,
            // They wait where it is another's turn.
            _ => self.turns.is_empty(),
        }
    }
}

/// Members in the order in which they came in.
#[derive(Debug, Default)]
pub(super) struct Set(Vec<i64>);

impl Set {
    fn take(&mut self, member: i64) -> Option<i64> {
        let at = self.0.iter().position(|&of| of == member)?;
        Some(self.0.remove(at))
    }
}

impl Model for Set {
    fn check(&mut self, step: &Step<'_>) -> Result<(), String> {
        let member = || {
            let (member,): (Payload,) = read(Some(step.args))?;
            number(&member)
        };
        match step.method {
            "insert" => {
                let member = member()?;
                let is_new = !self.0.contains(&member);
                if is_new {
                    self.0.push(member);
                }
                agree("whether it is new", &read(step.answer)?, &is_new)
            }
            "remove" => {
                let was_there = self.take(member()?).is_some();
                agree("whether it was there", &read(step.answer)?, &was_there)
            }
            "pop" => {
                let first = self.0.first().copied();
                let found: Option<SetMember> = read(step.answer)?;
                agree("the first", &maybe_number(found.as_ref().map(|of| &of.member))?, &first)?;
                first.and_then(|first| self.take(first));
                Ok(())
            }
            "contains" => {
                agree("whether it is there", &read(step.answer)?, &self.0.contains(&member()?))
            }
            "len" => agree("len", &read(step.answer)?, &(self.0.len() as u64)),
            "clear" => {
                self.0.clear();
                Ok(())
            }
            other => Err(format!("{other} is not in the model")),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Namespace(BTreeMap<String, i64>);

impl Model for Namespace {
    fn check(&mut self, step: &Step<'_>) -> Result<(), String> {
        match step.method {
            "get" => {
                let (name,): (String,) = read(Some(step.args))?;
                let found: Option<Payload> = read(step.answer)?;
                let wanted = self.0.get(&name).copied();
                agree("the value", &maybe_number(found.as_ref())?, &wanted)
            }
            "contains_key" => {
                let (name,): (String,) = read(Some(step.args))?;
                agree("whether it is there", &read(step.answer)?, &self.0.contains_key(&name))
            }
            "names" => {
                let names: Vec<String> = self.0.keys().cloned().collect();
                agree("the names", &read(step.answer)?, &names)
            }
            "set" => {
                let (name, value): (String, Payload) = read(Some(step.args))?;
                self.0.insert(name, number(&value)?);
                Ok(())
            }
            "delete" => {
                let (name,): (String,) = read(Some(step.args))?;
                let was_there = self.0.remove(&name).is_some();
                agree("whether it was there", &read(step.answer)?, &was_there)
            }
            other => Err(format!("{other} is not in the model")),
        }
    }
}

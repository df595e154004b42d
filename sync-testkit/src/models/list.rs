//! A list as it should be: its items are numbers.

use sync_proto::{ErrorKind, Payload};

use super::{Model, Step, agree, maybe_number, number, read, refused_rightly};

#[derive(Debug, Default)]
pub(super) struct List(Vec<i64>);

impl List {
    /// Returns where an index points to, if anywhere.
    fn at(&self, index: i64) -> Option<usize> {
        let len = self.0.len();
        let at = if index < 0 { index + len as i64 } else { index };
        usize::try_from(at).ok().filter(|&at| at < len)
    }

    fn item(&self, index: i64) -> Result<usize, String> {
        self.at(index).ok_or_else(|| format!("{index} is out of range of {}", self.0.len()))
    }

    fn read_only(&self, step: &Step<'_>) -> Result<(), String> {
        match step.method {
            "get" => {
                let (index,): (i64,) = read(Some(step.args))?;
                let wanted = self.0[self.item(index)?];
                agree("the item", &number(&read(step.answer)?)?, &wanted)
            }
            "to_vec" => {
                let found: Vec<Payload> = read(step.answer)?;
                let found = found.iter().map(number).collect::<Result<Vec<_>, _>>()?;
                agree("the items", &found, &self.0)
            }
            "len" => agree("len", &read(step.answer)?, &(self.0.len() as u64)),
            "index_of" => {
                let (value, _, _): (Payload, Option<i64>, Option<i64>) = read(Some(step.args))?;
                let value = number(&value)?;
                let wanted = self.0.iter().position(|&of| of == value).map(|at| at as u64);
                agree("the index", &read(step.answer)?, &wanted)
            }
            "count" => {
                let (value,): (Payload,) = read(Some(step.args))?;
                let value = number(&value)?;
                let wanted = self.0.iter().filter(|&&of| of == value).count() as u64;
                agree("the count", &read(step.answer)?, &wanted)
            }
            other => Err(format!("{other} is not in the model")),
        }
    }
}

impl Model for List {
    fn check(&mut self, step: &Step<'_>) -> Result<(), String> {
        match step.method {
            "push" => {
                let (value,): (Payload,) = read(Some(step.args))?;
                self.0.push(number(&value)?);
            }
            "insert" => {
                let (index, value): (i64, Payload) = read(Some(step.args))?;
                let len = self.0.len();
                let at = if index < 0 { (index + len as i64).max(0) } else { index };
                let at = usize::try_from(at).map_or(len, |at| at.min(len));
                self.0.insert(at, number(&value)?);
            }
            "set" => {
                let (index, value): (i64, Payload) = read(Some(step.args))?;
                let at = self.item(index)?;
                self.0[at] = number(&value)?;
            }
            "remove" => {
                let (index,): (i64,) = read(Some(step.args))?;
                let at = self.item(index)?;
                agree("the item", &number(&read(step.answer)?)?, &self.0.remove(at))?;
            }
            "pop" => {
                let found: Option<Payload> = read(step.answer)?;
                agree("the last item", &maybe_number(found.as_ref())?, &self.0.pop())?;
            }
            "reverse" => self.0.reverse(),
            "sort" => {
                let (descending,): (bool,) = read(Some(step.args))?;
                self.0.sort_unstable();
                if descending {
                    self.0.reverse();
                }
            }
            "clear" => self.0.clear(),
            _ => return self.read_only(step),
        }
        Ok(())
    }

    fn refused(&mut self, step: &Step<'_>, kind: ErrorKind) -> Result<(), String> {
        let index = match step.method {
            "set" => read::<(i64, Payload)>(Some(step.args))?.0,
            "get" | "remove" => read::<(i64,)>(Some(step.args))?.0,
            _ => return refused_rightly(false, kind),
        };
        agree("why", &kind, &ErrorKind::OutOfRange)?;
        agree("where it points to", &self.at(index), &None)
    }
}

//! A value and an array of numbers as they should be.

use sync_objects::{ArrayStart, NumberKind, NumberOp, Typecode, ValueUpdate};
use sync_proto::message::WireHandle;
use sync_proto::{Data, Payload, Token};

use super::{Model, Step, agree, number, read};

fn apply(op: NumberOp, a: i64, b: i64) -> i64 {
    match op {
        NumberOp::Add => a + b,
        NumberOp::Sub => a - b,
        NumberOp::Mul => a * b,
        NumberOp::Min => a.min(b),
        NumberOp::Max => a.max(b),
        NumberOp::And => a & b,
        NumberOp::Or => a | b,
        NumberOp::Xor => a ^ b,
        other => panic!("{other:?} is not in the model"),
    }
}

/// Compares and exchanges; returns what the answer should be.
fn exchange(now: &mut i64, expected: i64, new: i64) -> Result<i64, i64> {
    let before = *now;
    if before == expected {
        *now = new;
        Ok(before)
    } else {
        Err(before)
    }
}

fn either(answer: Result<Payload, Payload>) -> Result<Result<i64, i64>, String> {
    Ok(match answer {
        Ok(payload) => Ok(number(&payload)?),
        Err(payload) => Err(number(&payload)?),
    })
}

#[derive(Debug)]
pub(super) struct Value {
    now: i64,
    turn: Option<Token>,
}

impl Value {
    pub(super) fn new(args: &Data) -> Option<Self> {
        let (_, initial): (Option<NumberKind>, Payload) = args.decode().ok()?;
        Some(Self { now: initial.unpack().ok()?, turn: None })
    }

    fn write(&mut self, value: i64) -> Result<i64, String> {
        match self.turn {
            None => Ok(std::mem::replace(&mut self.now, value)),
            Some(turn) => Err(format!("it is written during the turn {turn}")),
        }
    }
}

impl Model for Value {
    fn check(&mut self, step: &Step<'_>) -> Result<(), String> {
        match step.method {
            "get" => agree("the value", &number(&read(step.answer)?)?, &self.now),
            "set" => {
                let (value,): (Payload,) = read(Some(step.args))?;
                self.write(number(&value)?).map(drop)
            }
            "swap" => {
                let (value,): (Payload,) = read(Some(step.args))?;
                let before = self.write(number(&value)?)?;
                agree("the value before", &number(&read(step.answer)?)?, &before)
            }
            "compare_exchange" => {
                let (expected, value): (Payload, Payload) = read(Some(step.args))?;
                self.write(self.now)?;
                let wanted = exchange(&mut self.now, number(&expected)?, number(&value)?);
                agree("the outcome", &either(read(step.answer)?)?, &wanted)
            }
            "fetch" => {
                let (_, op, operand): (NumberKind, NumberOp, Payload) = read(Some(step.args))?;
                let before = self.write(apply(op, self.now, number(&operand)?))?;
                agree("the value before", &number(&read(step.answer)?)?, &before)
            }
            "begin_update" => {
                let update: ValueUpdate = read(step.answer)?;
                self.write(self.now)?;
                self.turn = Some(update.token);
                agree("the value", &number(&update.value)?, &self.now)
            }
            "commit_update" => {
                let (token, value): (Token, Payload) = read(Some(step.args))?;
                agree("the turn", &self.turn.take(), &Some(token))?;
                self.now = number(&value)?;
                Ok(())
            }
            "cancel_update" => {
                let (token,): (Token,) = read(Some(step.args))?;
                agree("the turn", &self.turn.take(), &Some(token))
            }
            other => Err(format!("{other} is not in the model")),
        }
    }

    fn could_serve(&self, method: &str, _: &Data<WireHandle>) -> bool {
        self.turn.is_none() || matches!(method, "get" | "commit_update" | "cancel_update")
    }
}

#[derive(Debug)]
pub(super) struct Array(Vec<i64>);

impl Array {
    pub(super) fn new(args: &Data) -> Option<Self> {
        match args.decode::<(Typecode, ArrayStart)>().ok()? {
            (_, ArrayStart::Zeros(len)) => Some(Self(vec![0; usize::try_from(len).ok()?])),
            _ => None,
        }
    }

    fn at(&mut self, index: i64) -> Result<&mut i64, String> {
        let len = self.0.len();
        let at = if index < 0 { index + len as i64 } else { index };
        let at = usize::try_from(at).ok().filter(|&at| at < len);
        at.map(|at| &mut self.0[at]).ok_or_else(|| format!("{index} is out of range"))
    }
}

impl Model for Array {
    fn check(&mut self, step: &Step<'_>) -> Result<(), String> {
        match step.method {
            "len" => agree("len", &read(step.answer)?, &(self.0.len() as u64)),
            "get" => {
                let (_, index): (Typecode, i64) = read(Some(step.args))?;
                agree("the element", &number(&read(step.answer)?)?, self.at(index)?)
            }
            "set" => {
                let (_, index, element): (Typecode, i64, Payload) = read(Some(step.args))?;
                *self.at(index)? = number(&element)?;
                Ok(())
            }
            "swap" => {
                let (first, second): (i64, i64) = read(Some(step.args))?;
                let (a, b) = (*self.at(first)?, *self.at(second)?);
                *self.at(first)? = b;
                *self.at(second)? = a;
                Ok(())
            }
            "fetch" => {
                let (_, index, op, operand): (Typecode, i64, NumberOp, Payload) =
                    read(Some(step.args))?;
                let element = self.at(index)?;
                let before = *element;
                *element = apply(op, before, number(&operand)?);
                agree("the element before", &number(&read(step.answer)?)?, &before)
            }
            "compare_exchange" => {
                let (_, index, expected, new): (Typecode, i64, Payload, Payload) =
                    read(Some(step.args))?;
                let wanted = exchange(self.at(index)?, number(&expected)?, number(&new)?);
                agree("the outcome", &either(read(step.answer)?)?, &wanted)
            }
            other => Err(format!("{other} is not in the model")),
        }
    }
}

//! Reads pickles: the stack machine that they are programs for, with data in the place of calls.

use num_bigint::BigInt;

use super::graph::{Global, Graph, Make, Node, NodeId, Object};
use super::text::Text;
use super::{Limits, PickleError, opcode as op, renames};

mod fill;
mod input;
mod lines;
mod stack;

use self::input::Input;
use self::stack::{Memo, Stack};

/// Reads a pickle of any protocol, which must be all there is in `bytes`.
///
/// # Errors
///
/// The bytes are no sound pickle, or it is larger than the limits allow, or it needs what only an
/// interpreter could give: persistent ids, buffers out of band, registered extensions.
pub fn read(bytes: &[u8], limits: &Limits) -> Result<Graph, PickleError> {
    let mut machine = Machine {
        input: Input::new(bytes),
        graph: Graph::new(),
        stack: Stack::default(),
        memo: Memo::default(),
        protocol: 0,
        limits: *limits,
        references: 0,
        copied: 0,
    };
    loop {
        let opcode = machine.input.byte()?;
        if opcode == op::STOP {
            return machine.finish();
        }
        machine.step(opcode)?;
    }
}

struct Machine<'b> {
    input: Input<'b>,
    graph: Graph,
    stack: Stack,
    memo: Memo,
    protocol: u8,
    limits: Limits,
    /// How many places in containers were filled.
    references: usize,
    /// How many bytes were copied out of other values.
    copied: usize,
}

impl Machine<'_> {
    fn finish(mut self) -> Result<Graph, PickleError> {
        self.graph.root = self.pop()?;
        if self.input.remaining() > 0 {
            let left = self.input.remaining();
            return Err(self.input.malformed(format!("{left} more bytes follow its end")));
        }
        Ok(self.graph)
    }

    fn step(&mut self, opcode: u8) -> Result<(), PickleError> {
        match opcode {
            op::PROTO => {
                self.protocol = self.input.byte()?;
                if self.protocol > op::HIGHEST_PROTOCOL {
                    let protocol = self.protocol;
                    return Err(self.input.malformed(format!("unknown protocol {protocol}")));
                }
                Ok(())
            }
            op::FRAME => {
                let [low, high] = [self.input.u32()?, self.input.u32()?];
                if u64::from(high) << 32 | u64::from(low) > self.input.remaining() as u64 {
                    return Err(self.input.malformed("a frame is longer than the pickle"));
                }
                Ok(())
            }
            op::NONE => self.put(NodeId::NONE),
            op::NEWTRUE => self.put(NodeId::TRUE),
            op::NEWFALSE => self.put(NodeId::FALSE),
            op::EMPTY_TUPLE => self.put(NodeId::EMPTY_TUPLE),
            op::INT | op::LONG | op::BININT | op::BININT1 | op::BININT2 | op::LONG1 | op::LONG4 => {
                self.integer(opcode)
            }
            op::FLOAT | op::BINFLOAT => self.float(opcode),
            op::UNICODE
            | op::SHORT_BINUNICODE
            | op::BINUNICODE
            | op::BINUNICODE8
            | op::STRING
            | op::BINSTRING
            | op::SHORT_BINSTRING => self.text(opcode),
            op::SHORT_BINBYTES | op::BINBYTES | op::BINBYTES8 | op::BYTEARRAY8 => {
                self.bytes(opcode)
            }
            op::MARK | op::POP | op::POP_MARK | op::DUP => self.shuffle(opcode),
            op::PUT | op::BINPUT | op::LONG_BINPUT | op::MEMOIZE => self.memoize(opcode),
            op::GET | op::BINGET | op::LONG_BINGET => self.recall(opcode),
            op::EMPTY_LIST => self.push(Node::List(Vec::new())),
            op::EMPTY_DICT => self.push(Node::Dict(Vec::new())),
            op::EMPTY_SET => self.push(Node::Set(Vec::new())),
            op::LIST | op::TUPLE | op::FROZENSET | op::DICT => self.gather(opcode),
            op::TUPLE1 => self.short_tuple(1),
            op::TUPLE2 => self.short_tuple(2),
            op::TUPLE3 => self.short_tuple(3),
            op::APPEND | op::APPENDS | op::SETITEM | op::SETITEMS | op::ADDITEMS | op::BUILD => {
                self.fill(opcode)
            }
            op::GLOBAL | op::STACK_GLOBAL => self.global(opcode),
            op::REDUCE | op::NEWOBJ | op::NEWOBJ_EX | op::INST | op::OBJ => self.object(opcode),
            _ => Err(self.refusal(opcode)),
        }
    }

    fn refusal(&self, opcode: u8) -> PickleError {
        let what = match opcode {
            op::PERSID | op::BINPERSID => "it has persistent ids, which only their writer can read",
            op::EXT1 | op::EXT2 | op::EXT4 => {
                "it has codes of copyreg's extension registry, which every process fills its own \
                 way"
            }
            op::NEXT_BUFFER | op::READONLY_BUFFER => "it has buffers that travel beside it",
            _ => return self.input.malformed(format!("unknown opcode {opcode:#04x}")),
        };
        PickleError::Refused { what }
    }

    fn integer(&mut self, opcode: u8) -> Result<(), PickleError> {
        let value = match opcode {
            op::BININT1 => i64::from(self.input.byte()?),
            op::BININT2 => i64::from(u16::from_le_bytes(self.input.array()?)),
            op::BININT => i64::from(i32::from_le_bytes(self.input.array()?)),
            op::LONG1 | op::LONG4 => {
                let bytes = match opcode {
                    op::LONG1 => self.input.take_short()?,
                    _ => self.input.take_medium()?,
                };
                return self.push(BigInt::from_signed_bytes_le(bytes).into());
            }
            _ => {
                let line = self.input.ascii_line()?;
                match (opcode, line) {
                    (op::INT, "00") => return self.put(NodeId::FALSE),
                    (op::INT, "01") => return self.put(NodeId::TRUE),
                    _ => {}
                }
                let digits = line.strip_suffix('L').unwrap_or(line);
                return match lines::integer(digits) {
                    Some(value) => self.push(value.into()),
                    None => {
                        Err(self.input.malformed("a line is not an integer of acceptable length"))
                    }
                };
            }
        };
        self.push(Node::Int(value))
    }

    fn float(&mut self, opcode: u8) -> Result<(), PickleError> {
        let value = match opcode {
            op::BINFLOAT => f64::from_be_bytes(self.input.array()?),
            _ => {
                let line = self.input.ascii_line()?;
                lines::float(line).ok_or_else(|| self.input.malformed("a line is not a float"))?
            }
        };
        self.push(Node::Float(value))
    }

    fn text(&mut self, opcode: u8) -> Result<(), PickleError> {
        let text = match opcode {
            op::UNICODE => lines::unicode(self.input.line()?),
            op::SHORT_BINUNICODE => Text::from_bytes(self.input.take_short()?.to_vec()),
            op::BINUNICODE => Text::from_bytes(self.input.take_medium()?.to_vec()),
            op::BINUNICODE8 => Text::from_bytes(self.input.take_long()?.to_vec()),
            _ => {
                // Python 2's byte strings are texts to Python 3, if they are ASCII.
                let bytes = match opcode {
                    op::STRING => lines::quoted(self.input.line()?),
                    op::BINSTRING => Some(self.input.take_medium()?.to_vec()),
                    _ => Some(self.input.take_short()?.to_vec()),
                };
                bytes.filter(|bytes| bytes.is_ascii()).and_then(Text::from_bytes)
            }
        };
        match text {
            Some(Text::Plain(text)) => self.push(Node::Str(text)),
            Some(Text::Wide(text)) => self.push(Node::WideStr(text)),
            None => Err(self.input.malformed("a string is not what its opcode says")),
        }
    }

    fn bytes(&mut self, opcode: u8) -> Result<(), PickleError> {
        let bytes = match opcode {
            op::SHORT_BINBYTES => self.input.take_short()?,
            op::BINBYTES => self.input.take_medium()?,
            _ => self.input.take_long()?,
        };
        let bytes = bytes.to_vec();
        self.push(if opcode == op::BYTEARRAY8 {
            Node::ByteArray(bytes)
        } else {
            Node::Bytes(bytes)
        })
    }

    fn global(&mut self, opcode: u8) -> Result<(), PickleError> {
        let (module, name) = match opcode {
            op::GLOBAL => (self.name_line()?, self.name_line()?),
            _ => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Some(module), Some(name)) = (self.graph.text(module), self.graph.text(name))
                else {
                    return Err(self.input.malformed("a global's name is not a string"));
                };
                let names = (module.to_owned(), name.to_owned());
                self.count_copied(names.0.len() + names.1.len())?;
                names
            }
        };
        let global = match self.protocol {
            0..3 => renames::modern(&module, &name),
            _ => Global::new(module, name),
        };
        self.push(Node::Global(Box::new(global)))
    }

    fn name_line(&mut self) -> Result<String, PickleError> {
        match std::str::from_utf8(self.input.line()?) {
            Ok(name) => Ok(name.to_owned()),
            Err(_) => Err(self.input.malformed("a global's name is not UTF-8")),
        }
    }

    fn object(&mut self, opcode: u8) -> Result<(), PickleError> {
        let make = match opcode {
            op::REDUCE => {
                let (args, callable) = (self.pop_tuple()?, self.pop()?);
                if let Some(plain) = super::known::plain(&self.graph, callable, args) {
                    self.count_copy(&plain)?;
                    return self.push(plain);
                }
                Make::Call { callable, args }
            }
            op::NEWOBJ => {
                let (args, class) = (self.pop_tuple()?, self.pop()?);
                Make::New { class, args }
            }
            op::NEWOBJ_EX => {
                let kwargs = self.pop()?;
                let (args, class) = (self.pop_tuple()?, self.pop()?);
                if !matches!(self.graph.get(kwargs), Node::Dict(_)) {
                    return Err(self.input.malformed("keyword arguments are not a dict"));
                }
                Make::NewEx { class, args, kwargs }
            }
            op::INST => {
                self.global(op::GLOBAL)?;
                let class = self.pop()?;
                Make::Instance { class, args: self.pop_mark()? }
            }
            _ => {
                let mut args = self.pop_mark()?;
                if args.is_empty() {
                    return Err(self.input.malformed("an object has no class"));
                }
                let class = args.remove(0);
                Make::Instance { class, args }
            }
        };
        self.push(Node::Object(Box::new(Object::new(make))))
    }

    fn pop_tuple(&mut self) -> Result<NodeId, PickleError> {
        let args = self.pop()?;
        match self.graph.get(args) {
            Node::Tuple(_) => Ok(args),
            _ => Err(self.input.malformed("arguments are not a tuple")),
        }
    }
}

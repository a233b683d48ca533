//! The Lua scripts, and how one is called.

use std::sync::LazyLock;

use crate::etag::hex_sha1;
use crate::redis::Argument;

/// A Lua script that Redis runs atomically.
pub struct Script {
    /// Its text.
    pub source: &'static str,
    /// Its hex SHA-1, by which `EVALSHA` calls it.
    pub sha1: LazyLock<String>,
}

macro_rules! script {
    ($name:ident, $doc:literal, $source:expr) => {
        #[doc = $doc]
        pub static $name: Script =
            Script { source: $source, sha1: LazyLock::new(|| hex_sha1($name.source.as_bytes())) };
    };
}

script!(HELLO, "`hello.lua`", include_str!("lua/hello.lua"));
script!(ACQUIRE, "`acquire.lua`", include_str!("lua/acquire.lua"));
script!(FILL, "`fill.lua`", include_str!("lua/fill.lua"));
script!(RELEASE, "`release.lua`", include_str!("lua/release.lua"));
script!(COUNT, "`count.lua`", include_str!("lua/count.lua"));
script!(ADD_UP, "`add_up.lua`", include_str!("lua/add_up.lua"));
script!(
    BEGIN_WRITE,
    "`begin_write.lua`, behind the head that it shares with `end_write.lua`",
    concat!(include_str!("lua/invalidate.lua"), include_str!("lua/begin_write.lua"))
);
script!(
    END_WRITE,
    "`end_write.lua`, behind the head that it shares with `begin_write.lua`",
    concat!(include_str!("lua/invalidate.lua"), include_str!("lua/end_write.lua"))
);

/// A script with its keys and arguments.
pub struct Call<'a> {
    /// Which script.
    pub script: &'static Script,
    /// `KEYS`.
    pub keys: Vec<String>,
    /// `ARGV`.
    pub arguments: Vec<Argument<'a>>,
}

impl Call<'_> {
    /// The arguments of `EVALSHA`, or of `EVAL`: the script's name or text, the number of keys, the keys, and `ARGV`.
    pub fn command_line(&self, script: &'static str) -> Vec<Argument<'_>> {
        let mut line = Vec::with_capacity(2 + self.keys.len() + self.arguments.len());
        line.push(Argument::Bytes(script.as_bytes()));
        line.push(Argument::Number(self.keys.len() as i64));
        line.extend(self.keys.iter().map(|key| Argument::Bytes(key.as_bytes())));
        line.extend(&self.arguments);
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_called_by_its_sha1() {
        // printf '%s' of the file, by sha1sum, is what Redis makes of it.
        assert_eq!(*ACQUIRE.sha1, hex_sha1(include_bytes!("lua/acquire.lua")));
        assert_eq!(ACQUIRE.sha1.len(), 40);
    }
}

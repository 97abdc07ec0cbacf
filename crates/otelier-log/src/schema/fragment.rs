use std::fmt;

/// What most keys fit in.
const SHORT: usize = 32;

/// Bytes that are written again and again. Short ones are written as a whole block and cut after it, which
/// is a few instructions where a copy of any length is a call.
pub(crate) struct Fragment {
    bytes: Box<[u8]>,
    block: [u8; SHORT],
}

impl Fragment {
    #[inline]
    pub(crate) fn append_to(&self, out: &mut Vec<u8>) {
        if self.bytes.len() <= SHORT {
            let end = out.len() + self.bytes.len();
            out.extend_from_slice(&self.block);
            out.truncate(end);
        } else {
            out.extend_from_slice(&self.bytes);
        }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }
}

impl From<Vec<u8>> for Fragment {
    fn from(bytes: Vec<u8>) -> Self {
        let mut block = [0; SHORT];
        let len = bytes.len().min(SHORT);
        block[..len].copy_from_slice(&bytes[..len]);
        Self {
            bytes: bytes.into(),
            block,
        }
    }
}

impl fmt::Debug for Fragment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        String::from_utf8_lossy(&self.bytes).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_its_bytes_are_appended_whatever_their_number() {
        for len in [0, 1, SHORT - 1, SHORT, SHORT + 1, 1_000] {
            let bytes: Vec<u8> = (0..len).map(|n| n as u8).collect();
            let mut out = b"before".to_vec();
            Fragment::from(bytes.clone()).append_to(&mut out);
            assert_eq!(out, [b"before", &bytes[..]].concat());
        }
    }
}

//! Where a run takes what could happen one way or another.

/// Picks one of several ways.
pub trait Chances {
    /// A number below `options`, which is at least 1. 0 is the way on which nothing happens.
    fn pick(&mut self, options: usize) -> usize;
}

/// Every way in turn, run after run.
#[derive(Debug, Default)]
pub struct Every {
    /// What was picked in this run, of how many.
    path: Vec<(usize, usize)>,
    at: usize,
}

impl Every {
    /// Goes on to the next run. `false` after the last.
    pub fn next_run(&mut self) -> bool {
        self.at = 0;
        while let Some((picked, options)) = self.path.pop() {
            if picked + 1 < options {
                self.path.push((picked + 1, options));
                return true;
            }
        }
        false
    }
}

impl Chances for Every {
    fn pick(&mut self, options: usize) -> usize {
        if options == 1 {
            return 0;
        }
        if self.at == self.path.len() {
            self.path.push((0, options));
        }
        let (picked, of) = self.path[self.at];
        assert_eq!(of, options, "a run isn't determined by what is picked");
        self.at += 1;
        picked
    }
}

/// As bytes say; when they are used up, nothing happens any more.
#[derive(Debug)]
pub struct Bytes<I>(pub I);

impl<I: Iterator<Item = u8>> Chances for Bytes<I> {
    fn pick(&mut self, options: usize) -> usize {
        if options == 1 {
            return 0;
        }
        usize::from(self.0.next().unwrap_or_default()) % options
    }
}

//! A way to a server that can be cut and mended.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// A way to a server.
pub(crate) struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    cut: AtomicBool,
    streams: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// A way to this address.
    pub(crate) fn to(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(State::default());
        let (target, shared) = (target.to_owned(), Arc::clone(&state));
        thread::spawn(move || {
            for here in listener.incoming().flatten() {
                if !shared.cut.load(Ordering::Acquire) {
                    shared.join(here, &target);
                }
            }
        });
        Self { address, state }
    }

    /// Where it begins.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends every connection, and takes no more.
    pub(crate) fn cut(&self) {
        self.state.cut.store(true, Ordering::Release);
        for stream in self.state.streams.lock().expect("no thread panics here").drain(..) {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }

    /// Takes connections again.
    pub(crate) fn mend(&self) {
        self.state.cut.store(false, Ordering::Release);
    }
}

impl State {
    fn join(&self, here: TcpStream, target: &str) {
        let Ok(there) = TcpStream::connect(target) else { return };
        let mut streams = self.streams.lock().expect("no thread panics here");
        for (from, to) in [(&here, &there), (&there, &here)] {
            let (mut from, mut to) = (from.try_clone().expect("a stream"), to.try_clone().expect("a stream"));
            thread::spawn(move || {
                let _ = io::copy(&mut from, &mut to);
                let _ = to.shutdown(std::net::Shutdown::Both);
            });
        }
        streams.extend([here, there]);
    }
}

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// An address at which nobody listens.
pub(crate) fn closed_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}

/// Passes connections on to a collector, from an address that the test chooses.
#[derive(Default)]
pub(crate) struct Proxy(Mutex<Vec<Arc<AtomicBool>>>);

impl Proxy {
    pub(crate) fn start(at: SocketAddr, collector: &str) -> Arc<Self> {
        let listener = TcpListener::bind(at).unwrap();
        let collector = collector.trim_start_matches("http://").to_owned();
        let proxy = Arc::new(Self::default());
        let connections = Arc::clone(&proxy);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect(&collector).unwrap());
                let silent = Arc::new(AtomicBool::new(false));
                connections.0.lock().unwrap().push(Arc::clone(&silent));
                let (c, s) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let also_silent = Arc::clone(&silent);
                thread::spawn(move || copy(c, s, &silent));
                thread::spawn(move || copy(server, client, &also_silent));
            }
        });
        proxy
    }

    /// From now on the connections that there are stay open and pass nothing on.
    pub(crate) fn silence_connections(&self) {
        for silent in &*self.0.lock().unwrap() {
            silent.store(true, Ordering::SeqCst);
        }
    }

    pub(crate) fn connections(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, silent: &AtomicBool) {
    let mut buffer = [0; 8 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if !silent.load(Ordering::SeqCst) && to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    if !silent.load(Ordering::SeqCst) {
        let _ = to.shutdown(Shutdown::Write);
    }
}

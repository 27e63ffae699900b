//! A group that is watched, for JavaScript, which asks for the next events when it wants them.

use std::sync::{Arc, Mutex, PoisonError};

use cgroup::Event;
use kernel::{Error, Kind, Result};
use napi_derive::napi;
use tokio::sync::Mutex as AsyncMutex;

use super::Cgroup;
use crate::environment::{Environment, value};
use crate::failure::{Outcome, outcome};
use crate::reactor;

/// Something that happened to a group.
#[napi(object, object_from_js = false)]
pub struct GroupEventRecord {
    #[napi(js_name = "type")]
    pub kind: String,
    pub count: Option<u64>,
}

/// A group that is watched.
#[napi]
pub struct Watch(Mutex<Option<Arc<AsyncMutex<Held>>>>);

/// Closing an inotify descriptor takes the kernel milliseconds (8 on 6.18), which neither the JavaScript thread nor the
/// background thread has: whichever of them is the last to let go hands it on.
struct Held(Option<cgroup::Watch>);

impl Drop for Held {
    fn drop(&mut self) {
        let watch = self.0.take();
        if let Ok(runtime) = reactor::handle() {
            drop(runtime.spawn_blocking(move || drop(watch)));
        }
    }
}

#[napi]
impl Cgroup {
    #[napi(catch_unwind)]
    #[must_use]
    pub fn watch(&self) -> Outcome<Watch> {
        let watch = self.get().and_then(|group| cgroup::Watch::open(&group));
        outcome(watch.map(|watch| Watch(Mutex::new(Some(Arc::new(AsyncMutex::new(Held(Some(watch)))))))))
    }
}

#[napi]
impl Watch {
    /// Delivers what happened since the last time, as soon as something has; nothing once the group was removed.
    #[napi(catch_unwind)]
    pub fn next(&self, environment: &Environment, id: u32) {
        let watch = self.get();
        environment.run(id, value, async move {
            let watch = watch?;
            let mut held = watch.lock().await;
            let events = match &mut held.0 {
                Some(watch) => watch.next().await?,
                None => Vec::new(),
            };
            Ok(events.into_iter().map(GroupEventRecord::from).collect::<Vec<_>>())
        });
    }

    #[napi(catch_unwind)]
    pub fn close(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Watch {
    fn get(&self) -> Result<Arc<AsyncMutex<Held>>> {
        let watch = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        watch.ok_or_else(|| Error::new(Kind::Closed, "watch", "this watch was ended before"))
    }
}

impl From<Event> for GroupEventRecord {
    fn from(event: Event) -> Self {
        let (kind, count) = match event {
            Event::Populated => ("populated", None),
            Event::Empty => ("empty", None),
            Event::Frozen => ("frozen", None),
            Event::Thawed => ("thawed", None),
            Event::Removed => ("removed", None),
            Event::Oom(count) => ("oom", Some(count)),
            Event::OomKill(count) => ("oom-kill", Some(count)),
            Event::MemoryMax(count) => ("memory-max", Some(count)),
            Event::PidsMax(count) => ("pids-max", Some(count)),
        };
        Self { kind: kind.to_owned(), count }
    }
}

//! What a card answers to `snd_pcm_resume`. libasound's ioplug throws the answer of its plug-in
//! away and returns 0, up to 1.2.16 at least; a PCM of the kernel tells it. So the engine calls
//! a card's PCMs by a table in which that one function returns the answer.

const alsa = @import("../alsa/libasound.zig");
const sync = @import("../sync.zig");

/// The callback runs on the thread that resumes.
threadlocal var answer: c_int = 0;

var mutex: sync.Mutex = .{};
var library: ?*const alsa.Libasound = null;
var table: alsa.Libasound = undefined;

/// The table of the library, of which there is one in a process. From any thread.
pub fn tableOf(asound: *const alsa.Libasound) *const alsa.Libasound {
    mutex.lock();
    defer mutex.unlock();
    if (library == null) {
        table = asound.*;
        table.snd_pcm_resume = &resumePcm;
        library = asound;
    }
    return &table;
}

/// The resume callback's return value, told to the caller of `resumePcm` too.
pub fn give(result: c_int) c_int {
    answer = result;
    return result;
}

fn resumePcm(pcm: *alsa.Pcm) callconv(.c) c_int {
    answer = 0;
    const result = library.?.snd_pcm_resume(pcm);
    return if (result < 0) result else answer;
}

//! What can go wrong with a system call.

/// The errors that a call can give by the word of its manual, as far as they say something about
/// this machine. That a file isn't there is no fault but a fact, and tried without `nullok`.
pub const ERRORS: &[(&str, &[&str])] = &[
    ("access", &["EACCES", "EIO", "ENOENT"]),
    ("bind", &["EACCES", "EADDRINUSE", "ENOMEM"]),
    ("brk", &["ENOMEM"]),
    ("clock_gettime", &["EINVAL"]),
    ("clock_nanosleep", &["EINTR"]),
    ("close", &["EIO", "EINTR"]),
    (
        "connect",
        &["EACCES", "ECONNREFUSED", "EAGAIN", "EINTR", "ENOENT"],
    ),
    ("fchmod", &["EIO", "EPERM", "EROFS"]),
    ("fcntl", &["EINVAL"]),
    ("fdatasync", &["EIO", "ENOSPC", "EDQUOT", "EROFS", "EINTR"]),
    ("flock", &["EINTR", "ENOLCK", "EAGAIN"]),
    ("fstat", &["EIO", "ENOMEM", "EOVERFLOW"]),
    ("fsync", &["EIO", "ENOSPC", "EDQUOT", "EROFS", "EINTR"]),
    ("futex", &["EINTR", "EAGAIN"]),
    ("getdents64", &["EIO", "ENOENT", "ENOTDIR"]),
    ("getegid", &[]),
    ("geteuid", &[]),
    ("getpid", &[]),
    ("getrandom", &["EAGAIN", "EINTR", "ENOSYS"]),
    ("getsockname", &["ENOBUFS"]),
    ("getuid", &[]),
    ("ioctl", &["ENOTTY", "EIO"]),
    (
        "linkat",
        &[
            "EEXIST", "ENOSPC", "EDQUOT", "EIO", "EROFS", "EPERM", "ENOMEM", "ENOENT",
        ],
    ),
    ("lseek", &["EINVAL", "EOVERFLOW"]),
    ("madvise", &["ENOMEM", "EAGAIN"]),
    (
        "mkdir",
        &[
            "EACCES", "EEXIST", "ENOSPC", "EDQUOT", "EIO", "EROFS", "ENOMEM", "ENOENT",
        ],
    ),
    ("mmap", &["ENOMEM", "EACCES", "ENODEV"]),
    ("mprotect", &["ENOMEM", "EACCES"]),
    ("mremap", &["ENOMEM", "EAGAIN"]),
    ("munmap", &["ENOMEM"]),
    (
        "newfstatat",
        &["EACCES", "EIO", "ELOOP", "ENOMEM", "ENOTDIR", "ENOENT"],
    ),
    (
        "openat",
        &[
            "EACCES",
            "EINTR",
            "EIO",
            "ELOOP",
            "EMFILE",
            "ENFILE",
            "ENOMEM",
            "ENOSPC",
            "EPERM",
            "EROFS",
            "EOPNOTSUPP",
            "ENOENT",
        ],
    ),
    ("poll", &["EINTR", "ENOMEM"]),
    ("pread64", &["EIO", "EINTR", "EISDIR"]),
    ("prlimit64", &["EPERM", "EINVAL"]),
    (
        "pwrite64",
        &[
            "EIO", "ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EINTR", "ENOMEM",
        ],
    ),
    ("read", &["EIO", "EINTR", "EISDIR", "EAGAIN"]),
    ("readlink", &["EACCES", "EIO", "ENOENT"]),
    ("recvfrom", &["EAGAIN", "ECONNREFUSED", "EINTR", "ENOMEM"]),
    ("recvmsg", &["EAGAIN", "EINTR", "ENOMEM"]),
    (
        "renameat2",
        &["EEXIST", "EINVAL", "EIO", "ENOSPC", "ENOSYS", "EROFS"],
    ),
    ("rt_sigaction", &["EINVAL"]),
    ("rt_sigprocmask", &["EINVAL"]),
    ("rt_sigtimedwait", &["EAGAIN", "EINTR"]),
    (
        "sendmsg",
        &["EAGAIN", "ECONNREFUSED", "ENOBUFS", "EPERM", "EINTR"],
    ),
    (
        "sendto",
        &["EAGAIN", "ECONNREFUSED", "ENOBUFS", "EPERM", "EINTR"],
    ),
    (
        "socket",
        &["EACCES", "EMFILE", "ENFILE", "ENOBUFS", "EPERM"],
    ),
    (
        "statx",
        &[
            "EACCES", "EIO", "ELOOP", "ENOMEM", "ENOSYS", "ENOTDIR", "ENOENT", "EPERM",
        ],
    ),
    ("uname", &[]),
    ("unlink", &["EACCES", "EIO", "EROFS", "ENOENT"]),
    ("write", &["EIO", "ENOSPC", "EDQUOT", "EFBIG", "EINTR"]),
];

/// What can be cut short, as the module calls it.
pub const CUT: [&str; 4] = ["read", "write", "pread64", "pwrite64"];

/// What must succeed before anybody is let in.
pub const SYNCS: [&str; 2] = ["fdatasync", "fsync"];

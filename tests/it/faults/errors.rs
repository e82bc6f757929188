//! What can go wrong with a system call.

/// The errors that a call can give by the word of its manual, as far as they say something about
/// this machine. That a file isn't there is no fault but a fact, and tried without `nullok`.
pub const ERRORS: &[(&str, &[&str])] = &[
    (
        "access",
        &["EACCES", "EIO", "ELOOP", "ENOMEM", "ENOTDIR", "ENOENT"],
    ),
    ("bind", &["EACCES", "EADDRINUSE", "ENOMEM"]),
    ("brk", &["ENOMEM"]),
    ("clock_gettime", &["EINVAL"]),
    ("clock_nanosleep", &["EINTR"]),
    ("close", &["EIO", "EINTR"]),
    (
        "connect",
        &[
            "EACCES",
            "ECONNREFUSED",
            "EAGAIN",
            "EINTR",
            "EPROTOTYPE",
            "ENOENT",
        ],
    ),
    ("fchmod", &["EIO", "EPERM", "EROFS", "ENOMEM"]),
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
            "EEXIST", "ENOSPC", "EDQUOT", "EIO", "EROFS", "EPERM", "ENOMEM", "EACCES", "ELOOP",
            "EMLINK", "ENOTDIR", "EXDEV", "ENOENT",
        ],
    ),
    ("lseek", &["EINVAL", "EOVERFLOW"]),
    ("madvise", &["ENOMEM", "EAGAIN"]),
    (
        "mkdir",
        &[
            "EACCES", "EEXIST", "ENOSPC", "EDQUOT", "EIO", "EROFS", "ENOMEM", "ELOOP", "EMLINK",
            "ENOTDIR", "EPERM", "ENOENT",
        ],
    ),
    (
        "mmap",
        &["ENOMEM", "EACCES", "ENODEV", "EAGAIN", "ENFILE", "EPERM"],
    ),
    ("mprotect", &["ENOMEM", "EACCES"]),
    ("mremap", &["ENOMEM", "EAGAIN"]),
    ("munmap", &["ENOMEM"]),
    (
        "newfstatat",
        &[
            "EACCES",
            "EIO",
            "ELOOP",
            "ENOMEM",
            "ENOTDIR",
            "EOVERFLOW",
            "ENOENT",
        ],
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
            "EAGAIN",
            "EDQUOT",
            "EISDIR",
            "ENOTDIR",
            "ENXIO",
            "EOVERFLOW",
            "ENOENT",
        ],
    ),
    ("poll", &["EINTR", "ENOMEM"]),
    ("pread64", &["EIO", "EINTR", "EISDIR"]),
    ("prlimit64", &["EPERM", "EINVAL"]),
    (
        "pwrite64",
        &[
            "EIO", "ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EINTR", "ENOMEM", "EAGAIN", "EPERM",
        ],
    ),
    ("read", &["EIO", "EINTR", "EISDIR", "EAGAIN"]),
    (
        "readlink",
        &[
            "EACCES", "EIO", "EINVAL", "ELOOP", "ENOMEM", "ENOTDIR", "ENOENT",
        ],
    ),
    (
        "recvfrom",
        &["EAGAIN", "ECONNREFUSED", "EINTR", "ENOMEM", "ENOTCONN"],
    ),
    // ENOTCONN and ECONNREFUSED are not netlink's, the only one here; glibc ends a process to which
    // they say that somebody else closed its socket.
    ("recvmsg", &["EAGAIN", "EINTR", "ENOBUFS", "ENOMEM"]),
    (
        "renameat2",
        &["EEXIST", "EINVAL", "EIO", "ENOSPC", "ENOSYS", "EROFS"],
    ),
    ("rt_sigaction", &["EINVAL"]),
    ("rt_sigprocmask", &["EINVAL"]),
    ("rt_sigtimedwait", &["EAGAIN", "EINTR"]),
    (
        "sendmsg",
        &[
            "EAGAIN",
            "ECONNREFUSED",
            "ENOBUFS",
            "EPERM",
            "EINTR",
            "ECONNRESET",
            "ENOMEM",
            "ENOTCONN",
            "EPIPE",
        ],
    ),
    (
        "sendto",
        &[
            "EAGAIN",
            "ECONNREFUSED",
            "ENOBUFS",
            "EPERM",
            "EINTR",
            "ECONNRESET",
            "ENOMEM",
            "ENOTCONN",
            "EPIPE",
        ],
    ),
    (
        "socket",
        &[
            "EACCES",
            "EMFILE",
            "ENFILE",
            "ENOBUFS",
            "EPERM",
            "EAFNOSUPPORT",
            "ENOMEM",
        ],
    ),
    ("setresuid", &["EAGAIN", "EPERM"]),
    (
        "statx",
        &[
            "EACCES", "EIO", "ELOOP", "ENOMEM", "ENOSYS", "ENOTDIR", "ENOENT", "EPERM",
        ],
    ),
    ("uname", &[]),
    (
        "unlink",
        &[
            "EACCES", "EIO", "EROFS", "ELOOP", "ENOMEM", "ENOTDIR", "EPERM", "ENOENT",
        ],
    ),
    (
        "write",
        &[
            "EIO", "ENOSPC", "EDQUOT", "EFBIG", "EINTR", "EAGAIN", "EPERM",
        ],
    ),
];

/// What must succeed before anybody is let in.
pub const SYNCS: [&str; 2] = ["fdatasync", "fsync"];

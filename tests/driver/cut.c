/*
 * cut.so: loaded into a host, cuts one of its reads or writes short, as a disk or a signal may.
 *
 *   FOB_CUT=pwrite64:2 LD_PRELOAD=/usr/lib/cut.so pamdrive ...
 *
 * The second pwrite64 that is called by that name then moves half of its bytes, one at least;
 * nothing else changes.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

static size_t cut(const char *name, size_t length, int *count)
{
    const char *wanted = getenv("FOB_CUT");
    size_t letters = strlen(name);
    ++*count;
    if (wanted == NULL || length < 2 || strncmp(wanted, name, letters) != 0 ||
        wanted[letters] != ':' || atoi(wanted + letters + 1) != *count)
        return length;
    return length / 2;
}

#define NEXT(name) ((typeof(&name))dlsym(RTLD_NEXT, #name))

ssize_t read(int file, void *bytes, size_t length)
{
    static int count;
    return NEXT(read)(file, bytes, cut("read", length, &count));
}

ssize_t write(int file, const void *bytes, size_t length)
{
    static int count;
    return NEXT(write)(file, bytes, cut("write", length, &count));
}

ssize_t pread64(int file, void *bytes, size_t length, off64_t at)
{
    static int count;
    return NEXT(pread64)(file, bytes, cut("pread64", length, &count), at);
}

ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t at)
{
    static int count;
    return NEXT(pwrite64)(file, bytes, cut("pwrite64", length, &count), at);
}

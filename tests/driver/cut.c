/*
 * cut.so: loaded into pamdrive, cuts one of the module's reads or writes short, as a disk or a
 * signal may.
 *
 *   FOB_CUT=pwrite64:2 LD_PRELOAD=/usr/lib/cut.so pamdrive ...
 *
 * The second pwrite64 that the module asks for by that name, and that would move two bytes or
 * more, then moves half of them, and a line "pwrite64 2" of /tmp/cuts says so. With FOB_CUT=count
 * nothing is cut, and at the end a line "NAME N" for each name says how many there were. What
 * pamdrive, libpam and libc read and write isn't counted.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static struct { const char *name; int count; } calls[] = {
    {"read", 0}, {"write", 0}, {"pread64", 0}, {"pwrite64", 0},
};
enum { READ, WRITE, PREAD, PWRITE };

static bool is_wanted(const char *name, int count)
{
    const char *wanted = getenv("FOB_CUT");
    size_t letters = strlen(name);
    return wanted != NULL && strncmp(wanted, name, letters) == 0 && wanted[letters] == ':' &&
           atoi(wanted + letters + 1) == count;
}

static void tell(const char *name, int count)
{
    int file = open("/tmp/cuts", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0 || dprintf(file, "%s %d\n", name, count) < 0 || close(file) != 0)
        abort();
}

/* How many of these bytes are moved. */
static ssize_t cut(int call, ssize_t length, const void *caller)
{
    Dl_info from;
    if (length < 2 || dladdr(caller, &from) == 0 || from.dli_fname == NULL ||
        strstr(from.dli_fname, "pam_fob.so") == NULL || !is_wanted(calls[call].name, ++calls[call].count))
        return length;
    tell(calls[call].name, calls[call].count);
    return length / 2;
}

__attribute__((destructor)) static void end(void)
{
    const char *wanted = getenv("FOB_CUT");
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (wanted != NULL && strcmp(wanted, "count") == 0 && calls[i].count > 0)
            tell(calls[i].name, calls[i].count);
}

#define NEXT(name) ((typeof(&name))dlsym(RTLD_NEXT, #name))
#define CALLER __builtin_return_address(0)

/* A buffer larger than the file is read whole nevertheless: what was read is cut, and what lies
 * behind it isn't what it was. */
static ssize_t returned(void *bytes, ssize_t moved, ssize_t left)
{
    if (left < moved)
        memset((char *)bytes + left, 0xa5, (size_t)(moved - left));
    return left;
}

ssize_t read(int file, void *bytes, size_t length)
{
    ssize_t moved = NEXT(read)(file, bytes, length), left = cut(READ, moved, CALLER);
    if (left < moved && lseek(file, left - moved, SEEK_CUR) < 0)
        abort();
    return returned(bytes, moved, left);
}

ssize_t write(int file, const void *bytes, size_t length)
{
    return NEXT(write)(file, bytes, (size_t)cut(WRITE, (ssize_t)length, CALLER));
}

ssize_t pread64(int file, void *bytes, size_t length, off64_t at)
{
    ssize_t moved = NEXT(pread64)(file, bytes, length, at);
    return returned(bytes, moved, cut(PREAD, moved, CALLER));
}

ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t at)
{
    return NEXT(pwrite64)(file, bytes, (size_t)cut(PWRITE, (ssize_t)length, CALLER), at);
}

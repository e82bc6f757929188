/*
 * starve.so: loaded into pamdrive, refuses memory to the module.
 *
 *   FOB_STARVE=17 LD_PRELOAD=/usr/lib/starve.so pamdrive ...
 *
 * The 17th allocation that the module makes, itself or through a library that it calls, then
 * fails; "17+": this and all later ones; "own": all that it makes itself. At the end "starve: N" on standard error says how many
 * there were. What pamdrive and libpam ask for on their own account they get.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static bool ready, within;
static long wanted, count;
static bool from_then_on, own;

static bool is(const char *path, const char *name)
{
    return path != NULL && strstr(path, name) != NULL;
}

/* Which of the two is the innermost on the stack, the module or the application; `own`: whether
 * it is the module that called us, not a library that it called. */
static bool module_asks(const void *caller)
{
    void *frames[128];
    int depth;
    Dl_info called_by;
    if (own)
        return dladdr(caller, &called_by) != 0 && is(called_by.dli_fname, "pam_fob.so");
    depth = backtrace(frames, 128);
    for (int i = 0; i < depth; i++) {
        Dl_info info;
        if (dladdr(frames[i], &info) == 0)
            continue;
        if (is(info.dli_fname, "pam_fob.so"))
            return true;
        if (is(info.dli_fname, "pamdrive"))
            return false;
    }
    return false;
}

static bool starved(const void *caller)
{
    bool asks;
    if (!ready || within)
        return false;
    within = true; /* what is called here allocates too */
    asks = module_asks(caller);
    within = false;
    if (!asks)
        return false;
    count++;
    if (!own && (wanted == 0 || count < wanted || (count > wanted && !from_then_on)))
        return false;
    errno = ENOMEM;
    return true;
}

__attribute__((constructor)) static void begin(void)
{
    void *frame;
    char *rest;
    const char *text = getenv("FOB_STARVE");
    backtrace(&frame, 1); /* loads what it needs */
    /* As every host has done before; glibc itself ends when it has no memory for its first. */
    getpwuid(0);
    getgrgid(0);
    own = text != NULL && strcmp(text, "own") == 0;
    wanted = text != NULL ? strtol(text, &rest, 10) : 0;
    from_then_on = wanted != 0 && *rest == '+';
    ready = true;
}

__attribute__((destructor)) static void end(void)
{
    ready = false;
    fprintf(stderr, "starve: %ld\n", count);
}

void *malloc(size_t size)
{
    return starved(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    return starved(__builtin_return_address(0)) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *memory, size_t size)
{
    return starved(__builtin_return_address(0)) ? NULL : __libc_realloc(memory, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    if (starved(__builtin_return_address(0)))
        return ENOMEM;
    *memory = __libc_memalign(alignment, size);
    return *memory == NULL ? ENOMEM : 0;
}

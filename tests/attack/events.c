/* Preloaded: counts the write events of a process and of those it starts, and kills at one of them.

   An event is an opening for writing, a rename, a link, a new folder, or a removal under the root.
   Libraries in C, C++ and Rust write through the same calls as Python and are counted too. The kill
   comes before the event; an opening has a second point after it, when the file is there and empty. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* A file of this form is shared by all processes of a command; ATTACK_FILE names it. */
struct shared {
    atomic_long count, openings, kill_at;
    long main;
    char root[2048];
};
static struct shared *at;

__attribute__((constructor)) void attack_map(void) {
    const char *name = getenv("ATTACK_FILE");
    int file = name ? REAL(open)(name, O_RDWR) : -1;
    if (file < 0) return;
    void *mapped = mmap(0, sizeof *at, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (mapped != MAP_FAILED) at = mapped;
}

static int counts(int folder, const char *path) {
    char link[64], full[PATH_MAX];
    if (!at || !path) return 0;
    if (path[0] == '/') return !strncmp(path, at->root, strlen(at->root));
    if (folder == AT_FDCWD) {
        if (!getcwd(full, sizeof full)) return 0;
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        ssize_t length = readlink(link, full, sizeof full - 1);
        if (length < 0) return 0;
        full[length] = 0;
    }
    return !strncmp(full, at->root, strlen(at->root));
}

static void event(int folder, const char *path) {
    if (counts(folder, path) && atomic_fetch_add(&at->count, 1) + 1 == at->kill_at) {
        kill((pid_t)at->main, SIGKILL);
        kill(getpid(), SIGKILL);
    }
}

static int writes(int flags) { return (flags & O_ACCMODE) != O_RDONLY || flags & (O_CREAT | O_TRUNC); }

static int opened(int file, int folder, const char *path, int flags) {
    if (file >= 0 && writes(flags)) {
        if (counts(folder, path)) atomic_fetch_add(&at->openings, 1);
        event(folder, path);
    }
    return file;
}

#define MODE(flags, mode) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | __O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }
#define OPEN(name) \
    int name(const char *path, int flags, ...) { MODE(flags, mode) \
        if (writes(flags)) event(AT_FDCWD, path); \
        return opened(REAL(name)(path, flags, mode), AT_FDCWD, path, flags); }
#define OPENAT(name) \
    int name(int folder, const char *path, int flags, ...) { MODE(flags, mode) \
        if (writes(flags)) event(folder, path); \
        return opened(REAL(name)(folder, path, flags, mode), folder, path, flags); }
#define FOPEN(name) \
    FILE *name(const char *path, const char *how) { \
        int flags = strpbrk(how, "wa+") ? O_WRONLY : O_RDONLY; \
        if (writes(flags)) event(AT_FDCWD, path); \
        FILE *file = REAL(name)(path, how); \
        opened(file ? 0 : -1, AT_FDCWD, path, flags); \
        return file; }
OPEN(open) OPEN(open64) OPENAT(openat) OPENAT(openat64) FOPEN(fopen) FOPEN(fopen64)

int creat(const char *path, mode_t mode) { return open(path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return open(path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int mkdir(const char *path, mode_t mode) { event(AT_FDCWD, path); return REAL(mkdir)(path, mode); }
int mkdirat(int folder, const char *path, mode_t mode) { event(folder, path); return REAL(mkdirat)(folder, path, mode); }
int unlink(const char *path) { event(AT_FDCWD, path); return REAL(unlink)(path); }
int unlinkat(int folder, const char *path, int flags) { event(folder, path); return REAL(unlinkat)(folder, path, flags); }
int rmdir(const char *path) { event(AT_FDCWD, path); return REAL(rmdir)(path); }
int remove(const char *path) { event(AT_FDCWD, path); return REAL(remove)(path); }
int truncate(const char *path, off_t length) { event(AT_FDCWD, path); return REAL(truncate)(path, length); }
int rename(const char *from, const char *to) { event(AT_FDCWD, to); return REAL(rename)(from, to); }
int renameat(int a, const char *from, int b, const char *to) { event(b, to); return REAL(renameat)(a, from, b, to); }
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) { event(b, to); return REAL(renameat2)(a, from, b, to, flags); }
int link(const char *from, const char *to) { event(AT_FDCWD, to); return REAL(link)(from, to); }
int linkat(int a, const char *from, int b, const char *to, int flags) { event(b, to); return REAL(linkat)(a, from, b, to, flags); }
int symlink(const char *from, const char *to) { event(AT_FDCWD, to); return REAL(symlink)(from, to); }

/* What a server is run under to see what it does when the machine fails: loaded before the C
   library (LD_PRELOAD), it stands between the server and its files and its clock.

   Of every file below CARNET_FAULTS_ROOT it does what is asked, and notes it in the journal
   CARNET_FAULTS_JOURNAL, in the order in which it was done: writes with their bytes, names made and
   taken away, and syncs, when they begin and when they are done. `journal.rs` reads it, `disk.rs`
   makes of it what a disk would hold after the power was cut.

   CARNET_FAULTS_CONTROL is mapped, and says what is to fail (`layer.rs` writes it). What is done to a
   file in a way that is not noted here is noted as unknown, and the test that reads that fails. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* As `layer.rs` writes it. */
struct control {
    int64_t room;          /* bytes by which files may still grow; below 0: any */
    int64_t sync_micros;   /* how long a sync takes longer */
    int64_t clock_micros;  /* what the time of day is ahead */
    int64_t failing_syncs; /* so many of the next syncs fail */
};

/* As `journal.rs` reads it; `length` bytes follow. */
struct record {
    uint64_t kind;
    uint64_t inode;
    uint64_t number;
    uint64_t length;
};

enum kind {
    CREATED = 1, /* bytes: the path */
    MADE_DIRECTORY,
    WRITTEN, /* number: where; bytes: what */
    CUT,     /* number: the new length */
    SYNC_BEGUN, /* number: of the sync */
    SYNCED,
    SYNC_FAILED,
    RENAMED, /* bytes: both paths, a zero between */
    REMOVED,
    LINKED,
    UNKNOWN, /* bytes: the function */
};

#define FILES 65536

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char root[4096];
static size_t root_length;
static int journal = -1;
static struct control *control;
static uint64_t syncs;
/* The inode of each descriptor that was opened below the root. One that was closed is told by that
   its file is another. */
static uint64_t inodes[FILES];
static char unnoted[FILES];

#define REAL(result, name, ...)                                                                    \
    static result (*real_##name)(__VA_ARGS__);                                                     \
    if (!real_##name)                                                                              \
        *(void **)&real_##name = dlsym(RTLD_NEXT, #name);

__attribute__((constructor)) static void begin(void) {
    const char *where = getenv("CARNET_FAULTS_ROOT");
    const char *books = getenv("CARNET_FAULTS_JOURNAL");
    const char *controlled = getenv("CARNET_FAULTS_CONTROL");
    if (!where || !books || !controlled || strlen(where) >= sizeof root)
        return;
    int fd = syscall(SYS_openat, AT_FDCWD, controlled, O_RDWR | O_CLOEXEC, 0);
    if (fd < 0)
        abort();
    void *mapped = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
    journal = syscall(SYS_openat, AT_FDCWD, books, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (mapped == MAP_FAILED || journal < 0)
        abort();
    control = mapped;
    strcpy(root, where);
    root_length = strlen(root);
}

static int below_root(const char *path) {
    return root_length && path && !strncmp(path, root, root_length) &&
           (path[root_length] == '/' || !path[root_length]);
}

/* SQLite's shared memory is made anew after a start, and mapped: what is in it is nobody's record. */
static int shared_memory(const char *path) {
    size_t length = strlen(path);
    return length > 4 && !strcmp(path + length - 4, "-shm");
}

/* To be called with the lock. A journal with a hole would tell lies. */
static void note(enum kind kind, uint64_t inode, uint64_t number, const void *bytes, size_t length) {
    struct record record = {kind, inode, number, length};
    struct iovec parts[2] = {{&record, sizeof record}, {(void *)bytes, length}};
    if (syscall(SYS_writev, journal, parts, 2) != (long)(sizeof record + length))
        abort();
}

static void note_unknown(const char *function) {
    pthread_mutex_lock(&lock);
    note(UNKNOWN, 0, 0, function, strlen(function));
    pthread_mutex_unlock(&lock);
}

/* The inode that a descriptor has if it was opened below the root, and its file's size. */
static uint64_t followed(int fd, off_t *size) {
    if (fd < 0 || fd >= FILES || !inodes[fd])
        return 0;
    struct stat now;
    if (fstat(fd, &now) || now.st_ino != inodes[fd]) {
        inodes[fd] = 0;
        return 0;
    }
    if (size)
        *size = now.st_size;
    return inodes[fd];
}

/* How much of a growth there is room for; that much is taken. */
static int64_t take_room(int64_t growth) {
    int64_t room = __atomic_load_n(&control->room, __ATOMIC_SEQ_CST);
    while (room >= 0 && growth > 0) {
        int64_t taken = growth < room ? growth : room;
        if (__atomic_compare_exchange_n(&control->room, &room, room - taken, 0, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST))
            return taken;
    }
    return growth;
}

static int open_with(int (*real)(const char *, int, ...), const char *path, int flags, mode_t mode) {
    if (!below_root(path))
        return real(path, flags, mode);
    pthread_mutex_lock(&lock);
    struct stat before, now;
    int there = !stat(path, &before);
    int fd = real(path, flags, mode);
    int error = errno;
    if (fd >= 0 && fd < FILES && !fstat(fd, &now)) {
        inodes[fd] = now.st_ino;
        unnoted[fd] = shared_memory(path);
        if (!unnoted[fd]) {
            if (!there)
                note(CREATED, now.st_ino, 0, path, strlen(path));
            else if (flags & O_TRUNC)
                note(CUT, now.st_ino, 0, NULL, 0);
        }
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return fd;
}

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...) {                                                   \
        REAL(int, name, const char *, int, ...)                                                    \
        mode_t mode = 0;                                                                           \
        if (flags & (O_CREAT | O_TMPFILE)) {                                                       \
            va_list rest;                                                                          \
            va_start(rest, flags);                                                                 \
            mode = va_arg(rest, mode_t);                                                           \
            va_end(rest);                                                                          \
        }                                                                                          \
        return open_with(real_##name, path, flags, mode);                                          \
    }
OPEN(open)
OPEN(open64)

/* What a compiler that checks arguments makes of both. */
int __open_2(const char *path, int flags) { return open(path, flags); }
int __open64_2(const char *path, int flags) { return open64(path, flags); }

#define OPENAT(name)                                                                               \
    int name(int at, const char *path, int flags, ...) {                                           \
        REAL(int, name, int, const char *, int, ...)                                               \
        va_list rest;                                                                              \
        va_start(rest, flags);                                                                     \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;                    \
        va_end(rest);                                                                              \
        if (below_root(path) && (flags & (O_WRONLY | O_RDWR)))                                     \
            note_unknown(#name);                                                                   \
        return real_##name(at, path, flags, mode);                                                 \
    }
OPENAT(openat)
OPENAT(openat64)

typedef ssize_t positioned(int, const void *, size_t, off_t);

/* Writes at a place, or where the descriptor stands if there is none. */
static ssize_t put(int fd, const void *bytes, size_t length, off_t at, positioned *real,
                   ssize_t (*plain)(int, const void *, size_t)) {
    off_t size = 0;
    pthread_mutex_lock(&lock);
    uint64_t inode = followed(fd, &size);
    ssize_t done = -1;
    int error = ENOSPC;
    if (inode && plain)
        at = fcntl(fd, F_GETFL) & O_APPEND ? size : lseek(fd, 0, SEEK_CUR);
    if (inode && at + (off_t)length > size) {
        off_t growth = at + (off_t)length - (at > size ? at : size);
        off_t short_of = growth - take_room(growth);
        length -= short_of;
        if (short_of && !length)
            goto end;
    }
    done = plain ? plain(fd, bytes, length) : real(fd, bytes, length, at);
    error = errno;
    if (inode && done > 0 && !unnoted[fd])
        note(WRITTEN, inode, at, bytes, done);
end:
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

ssize_t write(int fd, const void *bytes, size_t length) {
    REAL(ssize_t, write, int, const void *, size_t)
    if (!root_length || fd < 0 || fd >= FILES || !inodes[fd])
        return real_write(fd, bytes, length);
    return put(fd, bytes, length, 0, NULL, real_write);
}

#define PWRITE(name)                                                                               \
    ssize_t name(int fd, const void *bytes, size_t length, off_t at) {                             \
        REAL(ssize_t, name, int, const void *, size_t, off_t)                                      \
        if (!root_length || fd < 0 || fd >= FILES || !inodes[fd])                                  \
            return real_##name(fd, bytes, length, at);                                             \
        return put(fd, bytes, length, at, real_##name, NULL);                                      \
    }
PWRITE(pwrite)
PWRITE(pwrite64)

/* Not noted, so it must not be done to a file that is followed. */
#define UNKNOWN_TO(fd, name)                                                                       \
    if (root_length && followed(fd, NULL))                                                         \
        note_unknown(name);

#define WRITEV(name)                                                                               \
    ssize_t name(int fd, const struct iovec *parts, int count) {                                   \
        REAL(ssize_t, name, int, const struct iovec *, int)                                        \
        UNKNOWN_TO(fd, #name)                                                                      \
        return real_##name(fd, parts, count);                                                      \
    }
WRITEV(writev)

#define PWRITEV(name)                                                                              \
    ssize_t name(int fd, const struct iovec *parts, int count, off_t at) {                         \
        REAL(ssize_t, name, int, const struct iovec *, int, off_t)                                 \
        UNKNOWN_TO(fd, #name)                                                                      \
        return real_##name(fd, parts, count, at);                                                  \
    }
PWRITEV(pwritev)
PWRITEV(pwritev64)

ssize_t copy_file_range(int in, off_t *in_at, int out, off_t *out_at, size_t length,
                        unsigned flags) {
    REAL(ssize_t, copy_file_range, int, off_t *, int, off_t *, size_t, unsigned)
    UNKNOWN_TO(out, "copy_file_range")
    return real_copy_file_range(in, in_at, out, out_at, length, flags);
}

#define FALLOCATE(name, ...)                                                                       \
    int name(__VA_ARGS__) {                                                                        \
        REAL(int, name, __VA_ARGS__)                                                               \
        UNKNOWN_TO(fd, #name)
FALLOCATE(fallocate, int fd, int mode, off_t at, off_t length)
    return real_fallocate(fd, mode, at, length);
}
FALLOCATE(fallocate64, int fd, int mode, off_t at, off_t length)
    return real_fallocate64(fd, mode, at, length);
}
FALLOCATE(posix_fallocate, int fd, off_t at, off_t length)
    return real_posix_fallocate(fd, at, length);
}
FALLOCATE(posix_fallocate64, int fd, off_t at, off_t length)
    return real_posix_fallocate64(fd, at, length);
}

static int cut(int fd, off_t length, int (*real)(int, off_t)) {
    pthread_mutex_lock(&lock);
    uint64_t inode = followed(fd, NULL);
    int done = real(fd, length), error = errno;
    if (inode && !done && !unnoted[fd])
        note(CUT, inode, length, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

#define FTRUNCATE(name)                                                                            \
    int name(int fd, off_t length) {                                                               \
        REAL(int, name, int, off_t)                                                                \
        return root_length ? cut(fd, length, real_##name) : real_##name(fd, length);               \
    }
FTRUNCATE(ftruncate)
FTRUNCATE(ftruncate64)

/* Whether the next sync is one of those that are to fail. */
static int fails(void) {
    int64_t left = __atomic_load_n(&control->failing_syncs, __ATOMIC_SEQ_CST);
    while (left > 0)
        if (__atomic_compare_exchange_n(&control->failing_syncs, &left, left - 1, 0,
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            return 1;
    return 0;
}

/* What is written while it lasts is not covered by it. */
static int sync_with(int fd, int (*real)(int)) {
    pthread_mutex_lock(&lock);
    uint64_t inode = followed(fd, NULL), number = ++syncs;
    if (inode && unnoted[fd])
        inode = 0;
    if (inode)
        note(SYNC_BEGUN, inode, number, NULL, 0);
    pthread_mutex_unlock(&lock);
    if (!inode)
        return real(fd);
    int64_t micros = __atomic_load_n(&control->sync_micros, __ATOMIC_SEQ_CST);
    if (micros > 0) {
        struct timespec time = {micros / 1000000, micros % 1000000 * 1000};
        nanosleep(&time, NULL);
    }
    int done = real(fd), error = errno;
    if (!done && fails()) {
        done = -1;
        error = EIO;
    }
    pthread_mutex_lock(&lock);
    note(done ? SYNC_FAILED : SYNCED, inode, number, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

#define SYNC(name)                                                                                 \
    int name(int fd) {                                                                             \
        REAL(int, name, int)                                                                       \
        return root_length ? sync_with(fd, real_##name) : real_##name(fd);                         \
    }
SYNC(fsync)
SYNC(fdatasync)

static int two_names(enum kind kind, const char *from, const char *to,
                     int (*real)(const char *, const char *)) {
    if (!below_root(from) && !below_root(to))
        return real(from, to);
    pthread_mutex_lock(&lock);
    char both[8192];
    int length = snprintf(both, sizeof both, "%s%c%s", from, 0, to);
    struct stat now = {0};
    int done = real(from, to), error = errno;
    if (!done && !stat(to, &now))
        note(kind, now.st_ino, 0, both, length);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

int rename(const char *from, const char *to) {
    REAL(int, rename, const char *, const char *)
    return two_names(RENAMED, from, to, real_rename);
}

int link(const char *from, const char *to) {
    REAL(int, link, const char *, const char *)
    return two_names(LINKED, from, to, real_link);
}

/* Rust's `hard_link` is this one. */
int linkat(int from_at, const char *from, int to_at, const char *to, int flags) {
    REAL(int, linkat, int, const char *, int, const char *, int)
    if (below_root(to) && from_at == AT_FDCWD && to_at == AT_FDCWD && !flags)
        return link(from, to);
    return real_linkat(from_at, from, to_at, to, flags);
}

int unlink(const char *path) {
    REAL(int, unlink, const char *)
    if (!below_root(path))
        return real_unlink(path);
    pthread_mutex_lock(&lock);
    int done = real_unlink(path), error = errno;
    if (!done && !shared_memory(path))
        note(REMOVED, 0, 0, path, strlen(path));
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

int mkdir(const char *path, mode_t mode) {
    REAL(int, mkdir, const char *, mode_t)
    if (!below_root(path))
        return real_mkdir(path, mode);
    pthread_mutex_lock(&lock);
    struct stat now;
    int done = real_mkdir(path, mode), error = errno;
    if (!done && !stat(path, &now))
        note(MADE_DIRECTORY, now.st_ino, 0, path, strlen(path));
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

/* What is free is what there is room for. */
#define STATVFS(name)                                                                              \
    int name(const char *restrict path, struct name *restrict disk) {                              \
        REAL(int, name, const char *, struct name *)                                               \
        int done = real_##name(path, disk);                                                        \
        int64_t room = below_root(path) ? __atomic_load_n(&control->room, __ATOMIC_SEQ_CST) : -1;  \
        if (!done && room >= 0 && room / disk->f_frsize < disk->f_bavail)                          \
            disk->f_bavail = room / disk->f_frsize;                                                \
        return done;                                                                               \
    }
STATVFS(statvfs)
STATVFS(statvfs64)

static int is_time_of_day(clockid_t clock) {
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    REAL(int, clock_gettime, clockid_t, struct timespec *)
    int done = real_clock_gettime(clock, time);
    if (!done && control && is_time_of_day(clock)) {
        int64_t ahead = __atomic_load_n(&control->clock_micros, __ATOMIC_SEQ_CST);
        int64_t nanos = time->tv_nsec + ahead % 1000000 * 1000;
        time->tv_sec += ahead / 1000000;
        if (nanos < 0) {
            nanos += 1000000000;
            time->tv_sec--;
        } else if (nanos >= 1000000000) {
            nanos -= 1000000000;
            time->tv_sec++;
        }
        time->tv_nsec = nanos;
    }
    return done;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    (void)zone;
    struct timespec now;
    int done = clock_gettime(CLOCK_REALTIME, &now);
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return done;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out)
        *out = now.tv_sec;
    return now.tv_sec;
}

/* A disk and a clock that fail on command, laid between the shipped server and libc by LD_PRELOAD. A test artifact: the
 * product knows nothing of it.
 *
 * The judge steers it from outside through a page of shared memory (FAULT_CONTROL names the file): rules that make the
 * next calls on matching files fail, come short, tear or lie, and an offset of the wall clock. With FAULT_LOG set it
 * also writes down every write, truncation, rename, removal and sync under FAULT_HOME, in order, so that a judge can
 * build what a disk would hold after a power cut at any point of the log.
 *
 * A sync is logged twice: before (what was written until here may count on it) and after (now it does). Both logs are
 * written before the server sees the call's result, so whatever a client was told lies behind the log's length at that
 * moment. Layout of control page and log: tests/faults/control.py and tests/faults/power.py. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { OP_WRITE = 1, OP_SYNC = 2, OP_READ = 4, OP_OPEN_TO_WRITE = 8, OP_NAMES = 16, OP_TRUNCATE = 32 };
enum { DO_ERRNO = 1, DO_SHORT = 2, DO_TEAR_AND_DIE = 3, DO_FLIP = 4, DO_SHORT_THEN_ERRNO = 5 };
enum { kRules = 8, kFiles = 4096, kRuleBytes = 128 };

struct rule {
  uint32_t armed, ops, action, error;
  int64_t skip;   /* matching calls that still pass */
  int64_t times;  /* calls that fail after that; below 0: all */
  uint64_t fired;
  uint64_t state; /* of DO_SHORT_THEN_ERRNO: 1 once it came short */
  char match[64]; /* the path ends with it; empty: every path under the home */
  char unused[16];
};

struct control {
  uint64_t magic;
  int64_t clock_offset_ns;
  uint32_t ignore_syncs; /* answers 0 and does nothing: a disk that lies */
  uint32_t unused;
  uint64_t log_bytes;
  uint64_t last_file, last_sync; /* numbers go on over the lives of a home */
  char space[16];
  struct rule rules[kRules];
};
_Static_assert(sizeof(struct rule) == kRuleBytes, "the judge writes this layout");

enum { LOG_FILE = 1, LOG_CREATE, LOG_WRITE, LOG_TRUNCATE, LOG_SYNC_BEGIN, LOG_SYNC_END, LOG_RENAME, LOG_UNLINK, LOG_MKDIR, LOG_DIR_BEGIN, LOG_DIR_END };
struct entry {
  uint32_t op, length; /* of what follows: data or paths */
  uint64_t file, offset;
};

static struct control *control;
static char home[PATH_MAX];
static size_t home_length;
static int log_fd = -1;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct { dev_t device; ino_t inode; uint64_t id; char path[512]; } files[kFiles];
static size_t file_count;

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (!found) abort();
  return found;
}

__attribute__((constructor)) static void begin(void) {
  const char *page = getenv("FAULT_CONTROL"), *folder = getenv("FAULT_HOME"), *log = getenv("FAULT_LOG");
  if (!page || !folder || strcmp(program_invocation_short_name, "steward") != 0) return;
  int fd = (int)syscall(SYS_openat, AT_FDCWD, page, O_RDWR | O_CLOEXEC, 0);
  if (fd < 0) abort();
  control = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  syscall(SYS_close, fd);
  if (control == MAP_FAILED) abort();
  home_length = (size_t)snprintf(home, sizeof home, "%s", folder);
  if (log) log_fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int is_inside(const char *path) {
  return control && path && strncmp(path, home, home_length) == 0 && (path[home_length] == '/' || path[home_length] == 0);
}

/* Under the mutex. */
static void write_log(uint32_t op, uint64_t file, uint64_t offset, const void *data, size_t length) {
  if (log_fd < 0) return;
  struct entry entry = {op, (uint32_t)length, file, offset};
  struct iovec parts[2] = {{&entry, sizeof entry}, {(void *)data, length}};
  if (syscall(SYS_writev, log_fd, parts, length ? 2 : 1) != (long)(sizeof entry + length)) abort();
  __atomic_add_fetch(&control->log_bytes, sizeof entry + length, __ATOMIC_SEQ_CST);
}

static const char *path_of(int fd, char *out) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = syscall(SYS_readlinkat, AT_FDCWD, link, out, PATH_MAX - 1);
  out[n > 0 ? n : 0] = 0;
  return out;
}

/* Under the mutex: the file behind a descriptor, or -1 when it is no regular file of the home. */
static int file_of(int fd, int created) {
  struct stat s;
  char path[PATH_MAX];
  if (fstat(fd, &s) != 0 || !S_ISREG(s.st_mode)) return -1;
  for (size_t i = 0; i < file_count; ++i) {
    if (files[i].device == s.st_dev && files[i].inode == s.st_ino) {
      if (!created) return files[i].id ? (int)i : -1;
      files[i] = files[--file_count]; /* the inode was used before, by a file that is gone */
      break;
    }
  }
  if (file_count == kFiles) abort();
  path_of(fd, path);
  const int inside = is_inside(path) && strlen(path) < sizeof files[0].path;
  files[file_count].device = s.st_dev;
  files[file_count].inode = s.st_ino;
  files[file_count].id = inside ? ++control->last_file : 0;
  snprintf(files[file_count].path, sizeof files[0].path, "%s", path);
  if (inside) write_log(created ? LOG_CREATE : LOG_FILE, files[file_count].id, s.st_mode & 0777, path, strlen(path));
  return inside ? (int)file_count++ : (++file_count, -1);
}

static int ends_with(const char *text, const char *end) {
  const size_t a = strlen(text), b = strlen(end);
  return b <= a && memcmp(text + a - b, end, b) == 0;
}

/* Under the mutex: the rule that makes this call fail, or null. */
static struct rule *rule_for(uint32_t op, const char *path) {
  for (int i = 0; i < kRules; ++i) {
    struct rule *r = &control->rules[i];
    if (!__atomic_load_n(&r->armed, __ATOMIC_ACQUIRE) || !(r->ops & op) || !ends_with(path, r->match)) continue;
    if (r->skip > 0) {
      --r->skip;
      continue;
    }
    if (r->times == 0) continue;
    if (r->times > 0) --r->times;
    ++r->fired;
    return r;
  }
  return NULL;
}

static ssize_t plain_write(int fd, const void *data, size_t n, off_t at) {
  return at < 0 ? syscall(SYS_write, fd, data, n) : syscall(SYS_pwrite64, fd, data, n, at);
}

static ssize_t faulty_write(int fd, const void *data, size_t n, off_t at) {
  if (!control) return plain_write(fd, data, n, at);
  pthread_mutex_lock(&mutex);
  const int file = file_of(fd, 0);
  size_t take = n;
  if (file >= 0) {
    struct rule *rule = rule_for(OP_WRITE, files[file].path);
    const int first = rule && rule->action == DO_SHORT_THEN_ERRNO && !rule->state;
    if (rule && n > 1 && (rule->action == DO_SHORT || rule->action == DO_TEAR_AND_DIE || first)) take = n / 2;
    if (first) rule->state = 1;
    if (rule && (rule->action == DO_ERRNO || (rule->action == DO_SHORT_THEN_ERRNO && !first))) {
      errno = (int)rule->error;
      pthread_mutex_unlock(&mutex);
      return -1;
    }
    if (rule && rule->action == DO_TEAR_AND_DIE) {
      plain_write(fd, data, take, at);
      kill(getpid(), SIGKILL);
      for (;;) pause();
    }
  }
  const ssize_t done = plain_write(fd, data, take, at);
  const int error = errno;
  if (file >= 0 && done > 0) {
    const off_t begin = at >= 0 ? at : lseek(fd, 0, SEEK_CUR) - done;
    write_log(LOG_WRITE, files[file].id, (uint64_t)begin, data, (size_t)done);
  }
  pthread_mutex_unlock(&mutex);
  errno = error;
  return done;
}

ssize_t write(int fd, const void *data, size_t n) { return faulty_write(fd, data, n, -1); }
ssize_t pwrite(int fd, const void *data, size_t n, off_t at) { return faulty_write(fd, data, n, at); }
ssize_t pwrite64(int fd, const void *data, size_t n, off64_t at) { return faulty_write(fd, data, n, at); }
ssize_t writev(int fd, const struct iovec *parts, int count) {
  struct stat s;
  if (!control || fstat(fd, &s) != 0 || !S_ISREG(s.st_mode)) return syscall(SYS_writev, fd, parts, count);
  ssize_t whole = 0;
  for (int i = 0; i < count; ++i) {
    const ssize_t n = parts[i].iov_len ? faulty_write(fd, parts[i].iov_base, parts[i].iov_len, -1) : 0;
    if (n < 0) return whole ? whole : -1;
    whole += n;
    if ((size_t)n < parts[i].iov_len) break;
  }
  return whole;
}

static ssize_t faulty_read(int fd, void *data, size_t n, off_t at) {
  const ssize_t got = at < 0 ? syscall(SYS_read, fd, data, n) : syscall(SYS_pread64, fd, data, n, at);
  if (!control || got <= 0) return got;
  pthread_mutex_lock(&mutex);
  const int file = file_of(fd, 0);
  struct rule *rule = file >= 0 ? rule_for(OP_READ, files[file].path) : NULL;
  if (rule && rule->action == DO_FLIP) ((unsigned char *)data)[(got * 3) / 4] ^= 1;
  const int error = rule && rule->action == DO_ERRNO ? (int)rule->error : 0;
  pthread_mutex_unlock(&mutex);
  if (error) errno = error;
  return error ? -1 : got;
}

ssize_t read(int fd, void *data, size_t n) { return faulty_read(fd, data, n, -1); }
ssize_t pread(int fd, void *data, size_t n, off_t at) { return faulty_read(fd, data, n, at); }
ssize_t pread64(int fd, void *data, size_t n, off64_t at) { return faulty_read(fd, data, n, at); }

static int faulty_sync(int fd, long call) {
  struct stat s;
  char path[PATH_MAX] = "";
  if (!control || fstat(fd, &s) != 0) return (int)syscall(call, fd);
  const int folder = S_ISDIR(s.st_mode);
  pthread_mutex_lock(&mutex);
  const int file = folder ? -1 : file_of(fd, 0);
  if (folder) path_of(fd, path);
  const int ours = file >= 0 || (folder && is_inside(path));
  struct rule *rule = ours ? rule_for(OP_SYNC, file >= 0 ? files[file].path : path) : NULL;
  const int error = rule && rule->action == DO_ERRNO ? (int)rule->error : 0;
  const int ignore = ours && control->ignore_syncs;
  const uint64_t id = file >= 0 ? files[file].id : 0, token = ++control->last_sync;
  if (ours && !error && !ignore) write_log(folder ? LOG_DIR_BEGIN : LOG_SYNC_BEGIN, id, token, path, strlen(path));
  pthread_mutex_unlock(&mutex);
  if (error) errno = error;
  if (error) return -1;
  if (ignore) return 0;
  const int done = (int)syscall(call, fd);
  if (ours && done == 0) {
    pthread_mutex_lock(&mutex);
    write_log(folder ? LOG_DIR_END : LOG_SYNC_END, id, token, path, strlen(path));
    pthread_mutex_unlock(&mutex);
  }
  return done;
}

int fsync(int fd) { return faulty_sync(fd, SYS_fsync); }
int fdatasync(int fd) { return faulty_sync(fd, SYS_fdatasync); }

int ftruncate(int fd, off_t length) {
  if (!control) return (int)syscall(SYS_ftruncate, fd, length);
  pthread_mutex_lock(&mutex);
  const int file = file_of(fd, 0);
  struct rule *rule = file >= 0 ? rule_for(OP_TRUNCATE, files[file].path) : NULL;
  int done = -1;
  if (rule && rule->action == DO_ERRNO)
    errno = (int)rule->error;
  else
    done = (int)syscall(SYS_ftruncate, fd, length);
  if (file >= 0 && done == 0) write_log(LOG_TRUNCATE, files[file].id, (uint64_t)length, NULL, 0);
  pthread_mutex_unlock(&mutex);
  return done;
}
int ftruncate64(int fd, off64_t length) { return ftruncate(fd, length); }

static int faulty_open(int folder, const char *path, int flags, mode_t mode) {
  if (!is_inside(path)) return (int)syscall(SYS_openat, folder, path, flags, mode);
  const int writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT);
  pthread_mutex_lock(&mutex);
  struct rule *rule = writes ? rule_for(OP_OPEN_TO_WRITE, path) : NULL;
  int fd = -1;
  if (rule && rule->action == DO_ERRNO) {
    errno = (int)rule->error;
  } else {
    struct stat s;
    const int fresh = (flags & O_CREAT) && syscall(SYS_newfstatat, AT_FDCWD, path, &s, 0) != 0;
    fd = (int)syscall(SYS_openat, folder, path, flags, mode);
    const int error = errno;
    const int file = fd >= 0 && writes ? file_of(fd, fresh) : -1;
    if (file >= 0 && !fresh && (flags & O_TRUNC)) write_log(LOG_TRUNCATE, files[file].id, 0, NULL, 0);
    errno = error;
  }
  pthread_mutex_unlock(&mutex);
  return fd;
}

#define OPEN(name)                                   \
  int name(const char *path, int flags, ...) {       \
    va_list list;                                    \
    va_start(list, flags);                           \
    const mode_t mode = va_arg(list, mode_t);        \
    va_end(list);                                    \
    return faulty_open(AT_FDCWD, path, flags, mode); \
  }
OPEN(open)
OPEN(open64)
int __open_2(const char *path, int flags) { return faulty_open(AT_FDCWD, path, flags, 0); }
int __open64_2(const char *path, int flags) { return faulty_open(AT_FDCWD, path, flags, 0); }

/* Under the mutex, true when a rule refuses the change of a name; errno is set. */
static int refused(const char *path) {
  struct rule *rule = rule_for(OP_NAMES, path);
  if (rule) errno = (int)rule->error;
  return rule != NULL;
}

int rename(const char *from, const char *to) {
  if (!is_inside(to)) return REAL(rename)(from, to);
  pthread_mutex_lock(&mutex);
  const int done = refused(to) ? -1 : REAL(rename)(from, to);
  if (done == 0) {
    char both[2 * PATH_MAX];
    const int n = snprintf(both, sizeof both, "%s%c%s", from, '\n', to);
    for (size_t i = 0; i < file_count; ++i)
      if (strcmp(files[i].path, from) == 0) snprintf(files[i].path, sizeof files[i].path, "%s", to);
    write_log(LOG_RENAME, 0, 0, both, (size_t)n);
  }
  pthread_mutex_unlock(&mutex);
  return done;
}

static int changed_name(uint32_t op, const char *path, int done) {
  if (done == 0) write_log(op, 0, 0, path, strlen(path));
  pthread_mutex_unlock(&mutex);
  return done;
}
int unlink(const char *path) {
  if (!is_inside(path)) return REAL(unlink)(path);
  pthread_mutex_lock(&mutex);
  return changed_name(LOG_UNLINK, path, refused(path) ? -1 : REAL(unlink)(path));
}
int rmdir(const char *path) {
  if (!is_inside(path)) return REAL(rmdir)(path);
  pthread_mutex_lock(&mutex);
  return changed_name(LOG_UNLINK, path, refused(path) ? -1 : REAL(rmdir)(path));
}
int remove(const char *path) {
  if (!is_inside(path)) return REAL(remove)(path);
  pthread_mutex_lock(&mutex);
  return changed_name(LOG_UNLINK, path, refused(path) ? -1 : REAL(remove)(path));
}
int mkdir(const char *path, mode_t mode) {
  if (!is_inside(path)) return REAL(mkdir)(path, mode);
  pthread_mutex_lock(&mutex);
  return changed_name(LOG_MKDIR, path, refused(path) ? -1 : REAL(mkdir)(path, mode));
}

int clock_gettime(clockid_t clock, struct timespec *out) {
  const int done = (int)syscall(SYS_clock_gettime, clock, out);
  if (done != 0 || !control || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) return done;
  const int64_t ns = (int64_t)out->tv_sec * 1000000000 + out->tv_nsec + __atomic_load_n(&control->clock_offset_ns, __ATOMIC_RELAXED);
  out->tv_sec = ns / 1000000000;
  out->tv_nsec = ns % 1000000000;
  return 0;
}
int gettimeofday(struct timeval *restrict out, void *restrict zone) {
  (void)zone;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  out->tv_sec = now.tv_sec;
  out->tv_usec = now.tv_nsec / 1000;
  return 0;
}
time_t time(time_t *out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out) *out = now.tv_sec;
  return now.tv_sec;
}

/* A pool of threads that run one function at a time. A waiting thread spins for some 80 microseconds, since ops
 * follow each other closely, then sleeps on a condition variable and costs nothing. One that spins takes up a job
 * in less than a microsecond; one that sleeps in 60 to 160, or milliseconds when others want the cores. So nobody is
 * woken for less than GK_WORTH of work, and a loop does not wait for threads that came too late to help: when no run
 * is left, the caller closes the job to those that have not joined.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "internal.h"

enum { SPINS = 4000 };

struct gk_pool {
  int32_t threads;                 /* the caller counts as one */
  pthread_t *handles;              /* threads - 1 */
  int32_t started;
  pthread_mutex_t lock;
  pthread_cond_t wake, done;
  atomic_ullong job;               /* number of the job (goes up by one) << 32 | CLOSED | workers that joined */
  atomic_int finished;             /* of those that joined */
  atomic_int waiting;              /* the caller is inside pthread_cond_wait, or about to be */
  atomic_int sleepers;             /* workers inside pthread_cond_wait */
  int stop;
  void (*fn)(void *, int32_t, int32_t);
  void *arg;
};

#define CLOSED 0x80000000u

static unsigned number_of(unsigned long long job) { return (unsigned)(job >> 32); }
static int32_t joined_in(unsigned long long job) { return (int32_t)(job & ~CLOSED); }

typedef struct worker_start {
  gk_pool *pool;
  int32_t part;
} worker_start;

static inline void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("yield");
#endif
}

/* Until there is a job other than `seen`. */
static void wait_for_job(gk_pool *p, unsigned seen) {
  for (int i = 0; i < SPINS; i++) {
    if (number_of(atomic_load_explicit(&p->job, memory_order_acquire)) != seen) return;
    relax();
  }
  pthread_mutex_lock(&p->lock);
  atomic_fetch_add(&p->sleepers, 1);
  while (number_of(atomic_load(&p->job)) == seen) pthread_cond_wait(&p->wake, &p->lock);
  atomic_fetch_sub(&p->sleepers, 1);
  pthread_mutex_unlock(&p->lock);
}

/* Joins the job that is on. @param seen gets its number @return 0 when it is closed. fn, arg and stop stay as they are
 * until everyone who joined has finished. */
static int join(gk_pool *p, unsigned *seen) {
  unsigned long long job = atomic_load(&p->job);
  while (!(job & CLOSED))
    if (atomic_compare_exchange_weak(&p->job, &job, job + 1)) break;
  *seen = number_of(job);
  return !(job & CLOSED);
}

static void *worker(void *arg) {
  worker_start s = *(worker_start *)arg;
  free(arg);
  gk_pool *p = s.pool;
  unsigned seen = 0;
  for (;;) {
    wait_for_job(p, seen);
    if (!join(p, &seen)) continue;
    if (p->stop) return NULL;
    p->fn(p->arg, s.part, p->threads);
    atomic_fetch_add(&p->finished, 1);
    if (atomic_load(&p->waiting)) {
      pthread_mutex_lock(&p->lock);
      pthread_cond_signal(&p->done);
      pthread_mutex_unlock(&p->lock);
    }
  }
}

/* Publishes fn/arg/stop (written before) to the workers. job and sleepers are both sequentially consistent: a worker
 * that saw the old job is counted in sleepers before it waits. */
static void publish(gk_pool *p) {
  atomic_store(&p->finished, 0);
  atomic_store(&p->job, (unsigned long long)(number_of(atomic_load(&p->job)) + 1) << 32);
  if (atomic_load(&p->sleepers) > 0) {
    pthread_mutex_lock(&p->lock);
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
  }
}

/* Until so many workers have finished. */
static void await(gk_pool *p, int32_t workers) {
  for (int i = 0; i < SPINS; i++) {
    if (atomic_load_explicit(&p->finished, memory_order_acquire) == workers) return;
    relax();
  }
  pthread_mutex_lock(&p->lock);
  atomic_store(&p->waiting, 1);
  while (atomic_load(&p->finished) != workers) pthread_cond_wait(&p->done, &p->lock);
  atomic_store(&p->waiting, 0);
  pthread_mutex_unlock(&p->lock);
}

gk_pool *gk_pool_open(int32_t threads) {
  gk_pool *p = calloc(1, sizeof *p);
  if (!p) return NULL;
  p->threads = threads;
  atomic_init(&p->job, CLOSED);
  p->handles = calloc((size_t)threads, sizeof *p->handles);
  pthread_mutex_init(&p->lock, NULL);
  pthread_cond_init(&p->wake, NULL);
  pthread_cond_init(&p->done, NULL);
  for (int32_t i = 1; p->handles && i < threads; i++) {
    worker_start *s = malloc(sizeof *s);
    if (!s) break;
    s->pool = p;
    s->part = i;
    if (pthread_create(&p->handles[i - 1], NULL, worker, s) != 0) {
      free(s);
      break;
    }
    p->started++;
  }
  if (p->started != threads - 1) {
    gk_pool_close(p);
    return NULL;
  }
  return p;
}

void gk_pool_close(gk_pool *p) {
  if (!p) return;
  p->stop = 1;
  publish(p);
  for (int32_t i = 0; i < p->started; i++) pthread_join(p->handles[i], NULL);
  pthread_cond_destroy(&p->done);
  pthread_cond_destroy(&p->wake);
  pthread_mutex_destroy(&p->lock);
  free(p->handles);
  free(p);
}

void gk_parallel(gk_backend *b, void (*fn)(void *, int32_t, int32_t), void *arg) {
  gk_pool *p = b->pool;
  if (!p) {
    fn(arg, 0, 1);
    return;
  }
  p->fn = fn;
  p->arg = arg;
  publish(p);
  fn(arg, 0, p->threads);
  await(p, p->threads - 1);
}

typedef struct loop {
  int64_t count, grain;
  void (*fn)(void *, int64_t, int64_t, int32_t);
  void *arg;
  atomic_llong next;
} loop;

static void run_loop(void *arg, int32_t part, int32_t parts) {
  (void)parts;
  loop *l = arg;
  for (;;) {
    int64_t begin = atomic_fetch_add_explicit(&l->next, l->grain, memory_order_relaxed);
    if (begin >= l->count) return;
    l->fn(l->arg, begin, gk_min_i64(begin + l->grain, l->count), part);
  }
}

void gk_parallel_for(gk_backend *b, int64_t count, int64_t grain,
                     void (*fn)(void *, int64_t, int64_t, int32_t), void *arg) {
  gk_parallel_for_work(b, count, grain, INT64_MAX, fn, arg);
}

void gk_parallel_for_work(gk_backend *b, int64_t count, int64_t grain, int64_t work,
                          void (*fn)(void *, int64_t, int64_t, int32_t), void *arg) {
  if (count <= 0) return;
  if (grain < 1) grain = 1;
  loop l = {.count = count, .grain = grain, .fn = fn, .arg = arg};
  atomic_init(&l.next, 0);
  gk_pool *p = count <= grain || work < GK_WORTH ? NULL : b->pool;
  if (p) {
    p->fn = run_loop;
    p->arg = &l;
    publish(p);
  }
  run_loop(&l, 0, 1);
  if (p) await(p, joined_in(atomic_fetch_or(&p->job, CLOSED)));
}

int32_t gk_cpu_count(void) {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    int n = CPU_COUNT(&set);
    if (n > 0) return n;
  }
#endif
  long n = sysconf(_SC_NPROCESSORS_ONLN);
  return n > 0 ? (int32_t)n : 1;
}

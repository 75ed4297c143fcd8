/* A pool of threads that run one function at a time. A waiting thread spins for some microseconds, since ops
 * follow each other closely, then sleeps on a condition variable and costs nothing.
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
  atomic_uint generation;          /* goes up by one for each job */
  atomic_int running;              /* workers that have not finished the job */
  atomic_int sleepers;             /* workers inside pthread_cond_wait */
  int stop;
  void (*fn)(void *, int32_t, int32_t);
  void *arg;
};

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

static unsigned wait_for_job(gk_pool *p, unsigned seen) {
  for (int i = 0; i < SPINS; i++) {
    unsigned g = atomic_load_explicit(&p->generation, memory_order_acquire);
    if (g != seen) return g;
    relax();
  }
  pthread_mutex_lock(&p->lock);
  atomic_fetch_add(&p->sleepers, 1);
  while (atomic_load(&p->generation) == seen) pthread_cond_wait(&p->wake, &p->lock);
  atomic_fetch_sub(&p->sleepers, 1);
  unsigned g = atomic_load(&p->generation);
  pthread_mutex_unlock(&p->lock);
  return g;
}

static void *worker(void *arg) {
  worker_start s = *(worker_start *)arg;
  free(arg);
  gk_pool *p = s.pool;
  unsigned seen = 0;
  for (;;) {
    seen = wait_for_job(p, seen);
    if (p->stop) return NULL;
    p->fn(p->arg, s.part, p->threads);
    if (atomic_fetch_sub_explicit(&p->running, 1, memory_order_acq_rel) == 1) {
      pthread_mutex_lock(&p->lock);
      pthread_cond_signal(&p->done);
      pthread_mutex_unlock(&p->lock);
    }
  }
}

/* Publishes fn/arg/stop (written before) to the workers. generation and sleepers are both sequentially
 * consistent: a worker that saw the old generation is counted in sleepers before it waits. */
static void publish(gk_pool *p) {
  atomic_fetch_add(&p->generation, 1);
  if (atomic_load(&p->sleepers) > 0) {
    pthread_mutex_lock(&p->lock);
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
  }
}

gk_pool *gk_pool_open(int32_t threads) {
  gk_pool *p = calloc(1, sizeof *p);
  if (!p) return NULL;
  p->threads = threads;
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
  atomic_store_explicit(&p->running, p->threads - 1, memory_order_relaxed);
  publish(p);
  fn(arg, 0, p->threads);
  for (int i = 0; i < SPINS; i++) {
    if (atomic_load_explicit(&p->running, memory_order_acquire) == 0) return;
    relax();
  }
  pthread_mutex_lock(&p->lock);
  while (atomic_load_explicit(&p->running, memory_order_acquire) != 0) pthread_cond_wait(&p->done, &p->lock);
  pthread_mutex_unlock(&p->lock);
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
  if (count <= 0) return;
  if (grain < 1) grain = 1;
  loop l = {.count = count, .grain = grain, .fn = fn, .arg = arg};
  atomic_init(&l.next, 0);
  if (count <= grain)
    fn(arg, 0, count, 0);
  else
    gk_parallel(b, run_loop, &l);
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

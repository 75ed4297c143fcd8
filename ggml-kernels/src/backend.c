/* Opening and closing the cpu backend, its memory, and its scratch. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "internal.h"

static const gk_isa all_isas[] = {GK_ISA_AMX, GK_ISA_AVX512, GK_ISA_AVX2, GK_ISA_NEON, GK_ISA_REF};
enum { N_ISAS = sizeof all_isas / sizeof all_isas[0] };

const char *gk_cpu_isas(void) {
  static _Thread_local char names[64];
  names[0] = 0;
  for (int i = 0; i < N_ISAS; i++) {
    if (!gk_isa_available(all_isas[i], NULL)) continue;
    if (names[0]) strcat(names, ",");
    strcat(names, gk_isa_name(all_isas[i]));
  }
  return names;
}

/* 0 and a message when the name is unknown or the machine lacks it. */
static int choose_isa(const char *wanted, gk_isa *out, char *message, size_t size) {
  const char *source = "";
  if (!wanted || !*wanted || strcmp(wanted, "auto") == 0) {
    wanted = getenv("GRAFT_ISA");
    source = " (from GRAFT_ISA)";
  }
  int any = !wanted || !*wanted || strcmp(wanted, "auto") == 0;
  for (int i = 0; i < N_ISAS; i++) {
    const char *why = NULL;
    int available = gk_isa_available(all_isas[i], &why);
    if (any ? !available : strcmp(wanted, gk_isa_name(all_isas[i])) != 0) continue;
    if (!available) {
      snprintf(message, size, "isa %s%s is not available: %s; this machine has %s", wanted, source, why, gk_cpu_isas());
      return 0;
    }
    *out = all_isas[i];
    return 1;
  }
  snprintf(message, size, "unknown isa '%s'%s; this machine has %s", wanted, source, gk_cpu_isas());
  return 0;
}

gk_backend *gk_cpu_open(const char *isa, int32_t threads, char *message, int64_t message_bytes) {
  char ignored[8];
  size_t size = message && message_bytes > 0 ? (size_t)message_bytes : sizeof ignored;
  if (!message || message_bytes <= 0) message = ignored;
  message[0] = 0;
  gk_isa chosen;
  if (!choose_isa(isa, &chosen, message, size)) return NULL;
  if (threads < 0 || threads > 1024) {
    snprintf(message, size, "threads is %d; it must be between 0 (all cores) and 1024", (int)threads);
    return NULL;
  }
  gk_backend *b = calloc(1, sizeof *b);
  if (!b) {
    snprintf(message, size, "out of memory");
    return NULL;
  }
  b->ops = gk_cpu_table(chosen);
  b->isa = chosen;
  b->threads = threads ? threads : gk_cpu_count();
  if (b->threads > 1 && !(b->pool = gk_pool_open(b->threads))) {
    snprintf(message, size, "cannot start %d threads", (int)b->threads);
    free(b);
    return NULL;
  }
  int used = snprintf(b->description, sizeof b->description, "cpu: %s, %d thread%s", gk_isa_name(chosen),
                      (int)b->threads, b->threads == 1 ? "" : "s");
  /* Says why the level above is not used, unless somebody asked for this one. */
  const char *why = NULL;
#if defined(__x86_64__)
  if (chosen != GK_ISA_AMX && chosen != GK_ISA_REF) {
    gk_isa above = chosen == GK_ISA_AVX2 ? GK_ISA_AVX512 : GK_ISA_AMX;
    if (!gk_isa_available(above, &why) && used > 0 && used < (int)sizeof b->description)
      snprintf(b->description + used, sizeof b->description - (size_t)used, " (no %s: %s)", gk_isa_name(above), why);
  }
#else
  (void)why;
  (void)used;
#endif
  return b;
}

const gk_ops *gk_backend_ops(const gk_backend *b) { return b->ops; }

const char *gk_describe(gk_backend *b) { return b->description; }

void gk_set_precision(gk_backend *b, gk_precision precision) { b->precision = precision; }
gk_type gk_activation_type(gk_backend *b, gk_precision precision) {
  (void)b, (void)precision;
  return GK_F32;
}

/* Every block is preceded by its header. Large blocks come from the kernel as zero pages, taken when they are first touched, and as huge
 * pages where there are any: packed panels and activations are walked with large strides, and 4 KiB pages miss the TLB. */
typedef struct block_header {
  int64_t mapped_bytes;   /* of the whole mapping; 0: from malloc */
  char padding[56];
} block_header;
_Static_assert(sizeof(block_header) == 64, "blocks stay aligned to 64 bytes");
enum { MAPPED_FROM = 1 << 21 };

static void *block_get(int64_t bytes, int zeroed) {
  if (bytes < 0 || bytes > INT64_MAX / 2) return NULL;
  const int64_t total = gk_round_up(bytes + (int64_t)sizeof(block_header), 4096);
  block_header *header;
  if (total >= MAPPED_FROM) {
    header = mmap(NULL, (size_t)total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (header == MAP_FAILED) return NULL;
#ifdef MADV_HUGEPAGE
    madvise(header, (size_t)total, MADV_HUGEPAGE);
#endif
    header->mapped_bytes = total;
  } else {
    header = aligned_alloc(64, (size_t)gk_round_up(bytes + (int64_t)sizeof(block_header), 64));
    if (!header) return NULL;
    header->mapped_bytes = 0;
    if (zeroed) memset(header + 1, 0, (size_t)bytes);
  }
  return header + 1;
}

static void block_put(void *block) {
  if (!block) return;
  block_header *header = (block_header *)block - 1;
  if (header->mapped_bytes)
    munmap(header, (size_t)header->mapped_bytes);
  else
    free(header);
}

void *gk_scratch_get(gk_backend *b, int slot, int64_t bytes) {
  gk_scratch *s = &b->scratch;
  if (s->data[slot] && s->bytes[slot] >= bytes) return s->data[slot];
  block_put(s->data[slot]);
  s->data[slot] = block_get(bytes, 0);
  s->bytes[slot] = s->data[slot] ? bytes : 0;
  return s->data[slot];
}

gk_buf gk_alloc(gk_backend *b, int64_t bytes) {
  (void)b;
  return block_get(bytes, 1);
}

void gk_release(gk_backend *b, gk_buf buf) {
  (void)b;
  block_put(buf);
}

gk_buf gk_alloc_host(gk_backend *b, int64_t bytes) { return gk_alloc(b, bytes); }
void gk_release_host(gk_backend *b, gk_buf buf) { gk_release(b, buf); }

void gk_close(gk_backend *b) {
  if (!b) return;
  gk_pool_close(b->pool);
  for (int i = 0; i < GK_SCRATCH_SLOTS; i++) block_put(b->scratch.data[i]);
  free(b);
}

typedef struct copy_job {
  char *dst;
  const char *src;   /* NULL: zero */
} copy_job;

static void copy_part(void *arg, int64_t begin, int64_t end, int32_t part) {
  (void)part;
  copy_job *j = arg;
  if (j->src)
    memcpy(j->dst + begin, j->src + begin, (size_t)(end - begin));
  else
    memset(j->dst + begin, 0, (size_t)(end - begin));
}

gk_status gk_copy(gk_backend *b, gk_buf dst, const void *src, int64_t bytes) {
  copy_job j = {dst, src};
  if (bytes > 0) gk_parallel_for(b, bytes, 1 << 20, copy_part, &j);
  return GK_OK;
}

gk_status gk_upload(gk_backend *b, gk_buf dst, const void *host, int64_t bytes) { return gk_copy(b, dst, host, bytes); }

gk_status gk_download(gk_backend *b, void *host, const void *src, int64_t bytes) { return gk_copy(b, host, src, bytes); }

gk_status gk_zero(gk_backend *b, gk_buf dst, int64_t bytes) {
  copy_job j = {dst, NULL};
  if (bytes > 0) gk_parallel_for(b, bytes, 1 << 20, copy_part, &j);
  return GK_OK;
}

gk_status gk_import_weight(gk_backend *b, const void *host, int64_t bytes, const void **data) {
  (void)b;
  (void)bytes;
  *data = host;
  return GK_OK;
}

void gk_release_weight(gk_backend *b, const void *data) {
  (void)b;
  (void)data;
}

gk_status gk_graph_begin(gk_backend *b, const void *key, int64_t key_bytes) {
  (void)b, (void)key, (void)key_bytes;
  return GK_OK;
}
gk_status gk_graph_end(gk_backend *b) {
  (void)b;
  return GK_OK;
}

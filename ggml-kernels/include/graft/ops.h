/* The op table: everything a model does to tensors, as plain C function pointers.
 *
 * A backend (cpu, later cuda) fills one gk_ops. Model code calls the table only and never looks inside a
 * tensor: a gk_buf may be device memory. Small tables (positions, segments, token ids, targets) are host arrays.
 *
 * Tensor letters: T tokens (rows), C model width, H query heads, G key/value heads, D head width, F feed-forward
 * width, V vocabulary, R LoRA rank. M, N, K are the rows and columns of a product. Sizes count elements; a name
 * that counts bytes says bytes. All tensors are row-major, and f32 unless a weight or a gk_act says otherwise.
 *
 * Every op returns GK_OK or a gk_status; arguments are validated by the caller (the model loader), so the only
 * run-time failures are memory and device. An op says of each output whether it overwrites or accumulates.
 * One backend is used by one thread at a time; inside, it spreads work over its own threads. Results do not
 * depend on timing: the same inputs, threads and isa give the same bits.
 */
#ifndef GRAFT_OPS_H
#define GRAFT_OPS_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

/* ggml's numbers, as stored in GGUF files. */
typedef enum gk_type {
  GK_F32 = 0, GK_F16 = 1, GK_Q4_0 = 2, GK_Q4_1 = 3, GK_Q5_0 = 6, GK_Q5_1 = 7, GK_Q8_0 = 8,
  GK_Q2_K = 10, GK_Q3_K = 11, GK_Q4_K = 12, GK_Q5_K = 13, GK_Q6_K = 14,
  GK_IQ4_NL = 20, GK_IQ4_XS = 23, GK_BF16 = 30,
  GK_TYPE_LIMIT = 64
} gk_type;

typedef struct gk_type_info {
  gk_type type;
  const char *name;      /* as llama.cpp prints it: "q4_K" */
  int32_t block_size;    /* elements in a block; a row is a whole number of blocks */
  int32_t block_bytes;
} gk_type_info;

/* NULL for a type that is not supported. */
const gk_type_info *gk_type_get(int32_t type);
/* Bytes of n elements of a supported type; n must be a multiple of the block size. */
int64_t gk_type_bytes(gk_type type, int64_t n);

typedef enum gk_status { GK_OK = 0, GK_OUT_OF_MEMORY = 1, GK_DEVICE_ERROR = 2, GK_UNSUPPORTED = 3 } gk_status;

typedef struct gk_backend gk_backend;
typedef struct gk_ops gk_ops;

/* Device memory that holds f32, or the bytes of a quantized weight. On cpu a plain pointer. */
typedef void *gk_buf;

/* A tensor inside a block of the model, or its gradient: in f32, or in the type that activation_type names (bf16 on a GPU). Ops compute in
 * f32 and round when they write (matmul_dx for each member, and where a backend takes a weight in slices for each of them). */
typedef struct gk_act {
  void *data;
  gk_type type;   /* GK_F32 or GK_BF16 */
} gk_act;
static inline gk_act gk_f32(const float *data) {
  gk_act a = {(void *)(uintptr_t)data, GK_F32};
  return a;
}

/* Element i of an activation and what follows it. */
static inline gk_act gk_act_at(gk_act a, int64_t i) {
  a.data = (char *)a.data + gk_type_bytes(a.type, i);
  return a;
}

/* W [n,k], row-major blocks of `type`, read-only (may be a memory-mapped file: nothing past the last block is read). */
typedef struct gk_weight {
  gk_type type;
  const void *data;
  int64_t n, k;
} gk_weight;

/* One member of a grouped product. */
typedef struct gk_product {
  gk_weight w;
  gk_act y;          /* forward: output [M,n]; dx: input dy [M,n] (not written) */
  int64_t ldy;       /* elements from one row of y to the next, >= n */
  float scale;       /* multiplies the product */
  int32_t accumulate;/* forward: 0 overwrites y, 1 adds to it; dx: ignored */
} gk_product;

/* Rotation tables: pair p of a head at position t turns by positions[t] * inv_freq[p] (radians), both its
 * coordinates multiplied by `magnitude`. NORM pairs (2p, 2p+1); NEOX pairs (p, p + rotary/2).
 * Columns from `rotary` to D pass through. */
typedef enum gk_rope_layout { GK_ROPE_NORM = 0, GK_ROPE_NEOX = 1 } gk_rope_layout;
typedef struct gk_rope {
  gk_rope_layout layout;
  int32_t rotary;          /* rotated columns of a head, even, <= D */
  const float *inv_freq;   /* host, [rotary/2], rope_freqs factors already applied */
  float magnitude;
} gk_rope;

/* A run of query rows and what it may look at. Query i (0 <= i < q_count) sees every prefix row, and own key row j
 * where j <= k_count - q_count + i. Rows index the q / k / v tensors given to the op. Segments do not overlap in
 * q rows; several may share prefix rows (their dk, dv add up there). */
typedef struct gk_segment {
  int32_t q_begin, q_count;
  int32_t prefix_begin, prefix_count;
  int32_t k_begin, k_count;
} gk_segment;

typedef struct gk_attention {
  int32_t heads, kv_heads, head_width;  /* H, G, D; H % G == 0; query head h reads kv head h / (H/G) */
  float scale;                          /* usually 1/sqrt(D) */
  int32_t n_segments;
  const gk_segment *segments;           /* host */
} gk_attention;

/* Keys, or values, of many sequences in pages of page_tokens tokens: element d of kv head g of token t of page p is number
 * ((p * G + g) * page_tokens + t) * D + d. type: GK_F32, GK_F16, or a quantized one whose block size divides D. */
typedef struct gk_pages {
  gk_type type;
  int32_t page_tokens, kv_heads, head_width;
} gk_pages;

/* Query rows of one sequence of k_count tokens, which are the last of it: query i sees its tokens 0 .. k_count - q_count + i. Token j lies in page
 * table[first_page + j / page_tokens]. Sequences may share pages. */
typedef struct gk_paged_segment {
  int32_t q_begin, q_count, k_count, first_page;
} gk_paged_segment;

typedef struct gk_paged_attention {
  gk_pages pages;
  int32_t heads;                        /* H */
  float scale;
  int32_t n_segments;
  const gk_paged_segment *segments;     /* host */
  const int32_t *table;                 /* host */
} gk_paged_attention;

typedef struct gk_adamw {
  float learning_rate, beta1, beta2, eps, weight_decay;
  int64_t step;       /* 1 for the first update; bias correction uses it */
  float grad_scale;   /* multiplies every gradient first (clipping) */
} gk_adamw;

/* How products are computed where there is a choice. GK_FAST (the default), for training: on amx bf16 pairs on tiles, each product within about 2^-17 of itself; on a GPU bf16
 * operands. GK_PRECISE, for scores that are compared with others': f32 as on avx512. */
typedef enum gk_precision { GK_FAST = 0, GK_PRECISE = 1 } gk_precision;

struct gk_ops {
  const char *device;                                     /* "cpu" or "cuda" */
  /* One line: device, isa, threads. Valid while the backend is open. */
  const char *(*describe)(gk_backend *);
  void (*close)(gk_backend *);                            /* NULL is fine */

  /* Holds until it is called again. */
  void (*set_precision)(gk_backend *, gk_precision);
  /* What else than f32 a gk_act may be with this precision: GK_BF16, or GK_F32 where there is nothing else (always on cpu, and with GK_PRECISE). */
  gk_type (*activation_type)(gk_backend *, gk_precision);

  /* Memory. alloc returns zeroed, 64-byte aligned memory, or NULL. */
  gk_buf (*alloc)(gk_backend *, int64_t bytes);
  void (*release)(gk_backend *, gk_buf);                  /* NULL is fine */
  /* The host's memory, from which and to which copy goes fastest (on a GPU: pinned). Not zeroed; NULL when there is none. On cpu as alloc and release. */
  gk_buf (*alloc_host)(gk_backend *, int64_t bytes);
  void (*release_host)(gk_backend *, gk_buf);             /* NULL is fine */
  gk_status (*upload)(gk_backend *, gk_buf dst, const void *host, int64_t bytes);
  gk_status (*download)(gk_backend *, void *host, const void *src, int64_t bytes);
  gk_status (*copy)(gk_backend *, gk_buf dst, const void *src, int64_t bytes);
  gk_status (*zero)(gk_backend *, gk_buf dst, int64_t bytes);
  /* Makes a host weight (a mapped file) usable as gk_weight.data, which nobody writes to: a GPU may read it ahead of a product, beside other ops (docs/matmul.md). upload, copy
   * and zero into it end that. cpu: the pointer itself, nothing copied. */
  gk_status (*import_weight)(gk_backend *, const void *host, int64_t bytes, const void **data);
  void (*release_weight)(gk_backend *, const void *data);

  /* Around ops that will come again in the same order with the same shapes and buffers, only their host arrays' contents changing (a step of
   * generation): a backend may then run them as one. The key says which; ops that are not the same after all are run as they are called, so
   * a key that promises too much costs time and nothing else. Ops with a host output, upload, download and alloc end the region early, whose key then does
   * nothing. cpu: both do nothing. */
  gk_status (*graph_begin)(gk_backend *, const void *key, int64_t key_bytes);
  gk_status (*graph_end)(gk_backend *);

  /* Products. x [M,K] (row stride ldx) is shared by the group, so that its packing is paid once. docs/matmul.md
   * fwd: y_j = scale_j * x · W_jᵀ  (or +=)   all W_j.k == K
   * dx:  dx [M,K] = (accumulate ? dx : 0) + Σ_j scale_j * dy_j · W_j
   * dw:  dw [N,K] += scale * dyᵀ · x   with dy [M,N] (stride ldy), x [M,K] (stride ldx); dw dense */
  gk_status (*matmul_fwd)(gk_backend *, int32_t group, const gk_product *p, gk_act x, int64_t ldx, int64_t m, int64_t k);
  gk_status (*matmul_dx)(gk_backend *, int32_t group, const gk_product *p, gk_act dx, int64_t lddx, int64_t m, int64_t k, int32_t accumulate);
  gk_status (*matmul_dw)(gk_backend *, gk_act dy, int64_t ldy, gk_act x, int64_t ldx, int64_t m, int64_t n, int64_t k, float scale, float *dw);

  /* Rows of a table: y [T,k] = W[ids[t], :], overwritten. ids are host, each in [0, w.n). */
  gk_status (*embed)(gk_backend *, const gk_weight *w, const int32_t *ids, int64_t t, float *y);
  /* Gather / scatter rows of f32: dst[i,:] = src[rows[i],:]; dst[rows[i],:] += src[i,:] (rows may repeat). rows are host. */
  gk_status (*gather_rows)(gk_backend *, const float *src, const int32_t *rows, int64_t n, int64_t width, float *dst);
  gk_status (*scatter_add_rows)(gk_backend *, const float *src, const int32_t *rows, int64_t n, int64_t width, float *dst);

  /* RMS norm over rows of `width`; row r starts at x + (r / per_token) * stride + (r % per_token) * width, so that
   * one op serves whole rows (per_token 1, stride = row stride) and the heads of q and k (per_token H).
   * fwd: y = x * rstd * w, rstd = 1/sqrt(mean(x²) + eps); y overwritten, same layout as x, may be x; rstd [rows] overwritten.
   * bwd: dx += d(norm)/dx · dy when accumulate, else dx = ...; dx may be dy. x is the input of the forward.
   *      dw [width] += when not NULL. Types: fwd (x, y) f32, f32; f32, bf16; bf16, bf16.  bwd (dy, x, dx) f32 all; bf16, f32, f32; bf16 all. docs/rmsnorm.md */
  gk_status (*rmsnorm_fwd)(gk_backend *, gk_act x, const float *w, float eps, int64_t rows, int64_t width, int64_t per_token, int64_t stride, gk_act y, float *rstd);
  gk_status (*rmsnorm_bwd)(gk_backend *, gk_act dy, gk_act x, const float *w, const float *rstd, int64_t rows, int64_t width, int64_t per_token, int64_t stride, gk_act dx, int32_t accumulate, float *dw);

  /* Rotates x [T, heads*D] in place; positions host [T]. direction +1 forward, -1 backward (the transpose). docs/rope.md */
  gk_status (*rope)(gk_backend *, const gk_rope *, gk_act x, const int32_t *positions, int64_t t, int64_t heads, int64_t head_width, int32_t direction);

  /* Attention over packed segments; no [T,T] matrix is stored. docs/attention.md
   * q [*,H*D], k and v [*,G*D]; out [*,H*D] overwritten at the query rows; lse [rows of q, H] overwritten (may be NULL).
   * bwd: dq overwritten at query rows; dk, dv accumulate (the caller zeroes them). out and lse are the forward's. All activations of a call are of one type. */
  gk_status (*attention_fwd)(gk_backend *, const gk_attention *, gk_act q, gk_act k, gk_act v, gk_act out, float *lse);
  gk_status (*attention_bwd)(gk_backend *, const gk_attention *, gk_act q, gk_act k, gk_act v, gk_act out, const float *lse, gk_act dout, gk_act dq, gk_act dk, gk_act dv);

  /* Generation's forward, over keys and values in pages. out [*,H*D], of q's type, overwritten at the query rows.
   * write: row i of x [n,G*D] becomes token slots[i] = page * page_tokens + place, overwritten, rounded to the pages' type; slots are host, all different. */
  gk_status (*pages_write)(gk_backend *, const gk_pages *, gk_act x, const int32_t *slots, int64_t n, void *pages);
  gk_status (*attention_paged)(gk_backend *, const gk_paged_attention *, gk_act q, const void *k, const void *v, gk_act out);

  /* y = silu(gate) * up, overwritten.  bwd: dgate, dup overwritten (may alias gate and up). n elements, of one type all. docs/swiglu.md */
  gk_status (*swiglu_fwd)(gk_backend *, gk_act gate, gk_act up, int64_t n, gk_act y);
  gk_status (*swiglu_bwd)(gk_backend *, gk_act dy, gk_act gate, gk_act up, int64_t n, gk_act dgate, gk_act dup);

  /* y [T,n] += b [n];  its backward: db [n] += Σ_t dy[t,n];  y += s * x;  y = s * y */
  gk_status (*add_bias)(gk_backend *, gk_act y, const float *b, int64_t t, int64_t n);
  gk_status (*add_bias_bwd)(gk_backend *, gk_act dy, int64_t t, int64_t n, float *db);
  gk_status (*add_scaled)(gk_backend *, float *y, const float *x, float s, int64_t n);
  gk_status (*scale)(gk_backend *, float *y, float s, int64_t n);
  /* Multiplies row i of y [M,n] by s[i]; s host. */
  gk_status (*scale_rows)(gk_backend *, float *y, const float *s, int64_t m, int64_t n);

  /* Inverted dropout with a counter-based generator (Philox4x32-10, key = seed, counter = stream, element / 4):
   * y = accumulate ? y + d : d,  d_i = keep_i ? x_i / (1-p) : 0. The same (seed, stream) gives the same mask, so the
   * backward calls it on the gradient. y may be x when not accumulating. docs/dropout.md */
  gk_status (*dropout)(gk_backend *, gk_act x, float p, uint64_t seed, uint64_t stream, int64_t n, gk_act y, int32_t accumulate);

  /* Log-softmax at the target. logits [M,V] (row stride ldl); targets host [M]; logps host [M] overwritten.
   * Two statistics of each row, host [M] overwritten, NULL when not wanted: mean_logits, the mean of its logits; log_squares, log of the sum
   * of p², p = softmax (from -log V to 0). logps and gradient are the same bits with and without them.
   * with_grad: logits are overwritten by d logp / d logits = onehot - softmax. docs/cross_entropy.md */
  gk_status (*cross_entropy)(gk_backend *, float *logits, int64_t ldl, const int32_t *targets, int64_t m, int64_t v, float *logps, float *mean_logits, float *log_squares, int32_t with_grad);

  /* Sum of squares, in double, order independent of the number of threads. out is host. */
  gk_status (*sum_squares)(gk_backend *, const float *x, int64_t n, double *out);
  /* Decoupled weight decay (Loshchilov & Hutter 2019), torch.optim.AdamW's order:
   * p -= lr*wd*p; m,v updated with grad_scale*g; p -= lr * (m/(1-b1^t)) / (sqrt(v/(1-b2^t)) + eps). p, m, v in place. */
  gk_status (*adamw)(gk_backend *, const gk_adamw *, const float *g, float *p, float *m, float *v, int64_t n);
};

/* isa: NULL or "auto", "ref", "avx2", "avx512", "amx", "neon" ("ref" is portable C). threads: 0 means all cores.
 * On failure returns NULL and writes one line to message. */
gk_backend *gk_cpu_open(const char *isa, int32_t threads, char *message, int64_t message_bytes);
/* The table of an open backend: the first member of every gk_backend is this pointer. */
const gk_ops *gk_backend_ops(const gk_backend *);
/* Comma-separated isa names this machine can run, best first, "ref" last. */
const char *gk_cpu_isas(void);
/* f32 multiply-adds (counted twice) a second over all threads at the widest vectors, operands in registers: the most that f32
 * products can reach. Measured for about `seconds`. */
double gk_cpu_fma_peak(gk_backend *, double seconds);
/* Seconds that all threads together take to read `bytes` (a multiple of 4096) once. */
double gk_cpu_read_seconds(gk_backend *, const void *data, int64_t bytes);
/* One row of a weight on the host, the plain reference: n elements (multiple of the block size). */
void gk_dequantize_ref(gk_type type, const void *src, float *dst, int64_t n);
/* The same by the backend's own kernel (bit for bit equal). */
void gk_dequantize(const gk_backend *, gk_type type, const void *src, float *dst, int64_t n);
/* The other way, on the host: n elements (multiple of the block size) into gk_type_bytes(type, n) bytes, the plain reference: ggml's own result,
 * bit for bit, for every type. Values are finite; one beyond F16's range becomes an infinity in F16. docs/quantize.md */
gk_status gk_quantize(gk_type type, const float *src, void *dst, int64_t n);
/* The same bytes by the backend's kernel and threads: src [rows,width] into rows of blocks. importance: [width], >= 0, how much an error in a column
 * matters (an importance matrix's mean squares of activations), or NULL. GK_UNSUPPORTED when width is no whole number of blocks. */
gk_status gk_quantize_rows(gk_backend *, gk_type type, const float *src, int64_t rows, int64_t width, const float *importance, void *dst);
/* Rows of one type into rows of another, in pieces that fit the cache: dequantized, and quantized as above. *bad_row is the first row that has a NaN or
 * infinity, before or after (a value or a scale beyond F16), or -1; what is written for such a row is no use. */
gk_status gk_convert_rows(gk_backend *, gk_type from, const void *src, gk_type to, int64_t rows, int64_t width, const float *importance, void *dst, int64_t *bad_row);

#ifdef __cplusplus
}
#endif
#endif

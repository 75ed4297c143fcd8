/* Graft's C ABI: quantized GGUF models, LoRA adapters, training, scoring and generation.
 *
 * Conventions
 *  - Every fallible function returns a graft_status and, when it is not GRAFT_OK, writes one line (UTF-8, NUL-terminated,
 *    cut to fit) to message: what is wrong, where, what to do. message may be NULL when message_bytes is 0.
 *  - Handles are opaque; *out is NULL after a failure; every close accepts NULL. A handle must not outlive what it was opened
 *    from: runtime > gguf; runtime > model > adapter, weights > trainer, generator.
 *  - A handle, and all handles opened from one runtime, are used by one thread at a time. Different runtimes are independent.
 *  - No structs by value, no callbacks, no signals, no exit. Counts are int32_t or int64_t; a name that counts bytes says bytes.
 *  - Text out: functions with (char *buffer, int64_t capacity, int64_t *needed) copy at most capacity bytes including the NUL and
 *    store the bytes needed including the NUL; GRAFT_OK even when it did not fit (compare needed with capacity).
 *  - Files are written whole or not at all: temporary file beside the target, fsync, rename, fsync of the folder.
 */
#ifndef GRAFT_H
#define GRAFT_H
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif
#if defined(_WIN32)
#define GRAFT_API __declspec(dllexport)
#else
#define GRAFT_API __attribute__((visibility("default")))
#endif

typedef enum graft_status {
  GRAFT_OK = 0,
  GRAFT_FAILED = 1,         /* device or internal failure */
  GRAFT_USAGE = 2,          /* an argument is out of its range or does not fit another */
  GRAFT_BAD_FILE = 3,       /* a model, adapter or checkpoint file is missing, unreadable, damaged, hostile or not supported */
  GRAFT_OUT_OF_MEMORY = 4,
  GRAFT_IO = 5,             /* a file cannot be written: no such folder, no permission, disk full */
  GRAFT_NOT_FINITE = 6      /* a NaN or infinity where training cannot go on */
} graft_status;

typedef struct graft_runtime graft_runtime;
typedef struct graft_gguf graft_gguf;
typedef struct graft_gguf_writer graft_gguf_writer;
typedef struct graft_model graft_model;
typedef struct graft_adapter graft_adapter;
typedef struct graft_weights graft_weights;
typedef struct graft_trainer graft_trainer;
typedef struct graft_generator graft_generator;
typedef struct graft_importance graft_importance;
typedef struct graft_quantizer graft_quantizer;

/* "0.1.0" */
GRAFT_API const char *graft_version(void);

/* ---- runtime: one device and its threads -------------------------------------------------------------------- */

/* Names the file of the CUDA plug-in, before the first runtime is opened; else that of GRAFT_CUDA_LIBRARY, or libgraft_cuda.so beside this library, is taken. */
GRAFT_API void graft_cuda_library(const char *path);
/* device "auto" (a GPU where there is one that can be used), "cpu", "cuda" or "cuda:N" (GPU number N, from 0); isa NULL or "auto", "ref", "avx2", "avx512", "amx", "neon" (NULL/auto also reads the
 * environment's GRAFT_ISA); threads 0 means every core the process may use. */
GRAFT_API int32_t graft_runtime_open(const char *device, const char *isa, int32_t threads, graft_runtime **out, char *message, int64_t message_bytes);
/* JSON: {"device","isa","threads","isas":[...],"describe"} */
GRAFT_API int32_t graft_runtime_describe(graft_runtime *, char *buffer, int64_t capacity, int64_t *needed, char *message, int64_t message_bytes);
/* Measured on the spot (about a second): f32 FMA peak in FLOP/s over all threads at the widest vectors (on a GPU: of a large bf16 product), copy bandwidth in bytes/s (read + written), and read bandwidth. */
GRAFT_API int32_t graft_runtime_peak(graft_runtime *, double *fma_flops, double *copy_bytes, double *read_bytes, char *message, int64_t message_bytes);
/* count values of a supported ggml type (its number in GGUF files) from source_bytes bytes, by this runtime's kernels; equal to ggml's bit for bit. */
GRAFT_API int32_t graft_dequantize(graft_runtime *, int32_t type, const void *source, int64_t source_bytes, float *values, int64_t count, char *message, int64_t message_bytes);
/* The other way, by the plain reference, equal to ggml's bit for bit: count finite values into target, whose target_bytes must be what they take. */
GRAFT_API int32_t graft_quantize(int32_t type, const float *values, int64_t count, void *target, int64_t target_bytes, char *message, int64_t message_bytes);
/* The same by this runtime's kernels and threads: rows of width values. importance: [width] weights >= 0 of the columns' errors, or NULL. */
GRAFT_API int32_t graft_quantize_rows(graft_runtime *, int32_t type, const float *values, int64_t rows, int64_t width, const float *importance, void *target,
    int64_t target_bytes, char *message, int64_t message_bytes);
/* Bytes of the device's memory: in use by this runtime (weights, tensors, scratch), the most that were, free for anybody, all there is. All 0 on the CPU. */
GRAFT_API int32_t graft_runtime_memory(graft_runtime *, int64_t *used, int64_t *peak, int64_t *free_now, int64_t *total, char *message, int64_t message_bytes);
GRAFT_API void graft_runtime_close(graft_runtime *);

/* ---- gguf files ------------------------------------------------------------------------------------------------ */

/* Maps the file and checks everything about its header; GRAFT_BAD_FILE says which key or tensor. */
GRAFT_API int32_t graft_gguf_open(const char *path, graft_gguf **out, char *message, int64_t message_bytes);
/* JSON: {"version","alignment","file_bytes","parameters","metadata":[{"key","type","value"}],"tensors":[{"name","type","shape":[ne0,...],"bytes","offset"}]}.
 * An array value is {"array":"<element type>","count":n,"items":[first max_items]}; max_items < 0 gives all. Strings that are not UTF-8 get U+FFFD. */
GRAFT_API int32_t graft_gguf_describe(graft_gguf *, int32_t max_items, char *buffer, int64_t capacity, int64_t *needed, char *message, int64_t message_bytes);
/* Bytes of a string value (index 0) or of item `index` of an array of strings; not NUL-terminated, exact bytes. */
GRAFT_API int32_t graft_gguf_string(graft_gguf *, const char *key, int64_t index, char *buffer, int64_t capacity, int64_t *needed, char *message, int64_t message_bytes);
/* Writes a tiny model that carries this file's whole tokenizer.* metadata (after checking it) and loads in any llama.cpp, whatever
 * the architecture here: one layer of width 32, architecture llama. */
GRAFT_API int32_t graft_gguf_write_tokenizer(graft_gguf *, const char *path, char *message, int64_t message_bytes);
GRAFT_API void graft_gguf_close(graft_gguf *);

/* JSON: [{"type" (ggml's number),"name","block" (elements),"bytes" (of a block)}] of all weight types. */
GRAFT_API int32_t graft_types(char *buffer, int64_t capacity, int64_t *needed, char *message, int64_t message_bytes);
/* The type that a tensor gets in a model of a mix: "Q4_K_M", or a type's name; and the mix's general.file_type. row: elements of a row; dimensions: 1 for
 * vectors; layers: of the model; tied: there is no output matrix. GRAFT_USAGE lists the names when there is no such mix. */
GRAFT_API int32_t graft_mix_type(const char *mix, const char *tensor, int64_t row, int32_t dimensions, int32_t layers, int32_t tied, int32_t *type,
    int32_t *file_type, char *message, int64_t message_bytes);

/* A GGUF written piece by piece: set and add everything, begin, give all bytes, commit. Close without a commit leaves nothing behind.
 * source: whose metadata is copied whole (its alignment is not), or NULL; it need not outlive this call. */
GRAFT_API int32_t graft_gguf_writer_open(graft_gguf *source, graft_gguf_writer **out, char *message, int64_t message_bytes);
/* Sets a key, replacing its value. type: the format's number. count -1: a single value; else an array of count values of that type. data: the value or values
 * as the format stores them (a string: its length in 8 bytes, then its bytes), bytes in all. GRAFT_USAGE when they do not fit. */
GRAFT_API int32_t graft_gguf_writer_set(graft_gguf_writer *, const char *key, int32_t type, int64_t count, const void *data, int64_t bytes, char *message, int64_t message_bytes);
/* Adds a tensor, shape [dimensions] with the row length first. */
GRAFT_API int32_t graft_gguf_writer_tensor(graft_gguf_writer *, const char *name, int32_t type, int32_t dimensions, const int64_t *shape, char *message, int64_t message_bytes);
/* Writes the header to a temporary file beside path. Keys and tensors that are set later are not in it. */
GRAFT_API int32_t graft_gguf_writer_begin(graft_gguf_writer *, const char *path, char *message, int64_t message_bytes);
/* The next bytes of the tensors, end to end in the order in which they were added. GRAFT_IO: disk full, ... */
GRAFT_API int32_t graft_gguf_writer_write(graft_gguf_writer *, const void *data, int64_t bytes, char *message, int64_t message_bytes);
GRAFT_API int32_t graft_gguf_writer_commit(graft_gguf_writer *, char *message, int64_t message_bytes);
GRAFT_API void graft_gguf_writer_close(graft_gguf_writer *);

/* Writes a byte-pair vocabulary (llama.cpp's "gpt2" kind) as a tiny model of the layout of graft_gguf_write_tokenizer, for any llama.cpp to tokenize with and for
 * graft_write_random_model to copy. name: general.name, may be NULL. pre: tokenizer.ggml.pre, the pre-tokenizer ("llama-bpe").
 * tokens: n_tokens UTF-8 texts end to end, each closed by a NUL (token_bytes in all, NULs included): in GPT-2's byte alphabet, special ones as they are written;
 * none empty, all different. types [n_tokens]: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused. merges: n_merges texts "left right" laid out likewise, first
 * learnt first; left, right and leftright must be tokens. bos, eos, eot, pad: ids, -1 for none. add_bos: whether a BOS stands before every text. chat_template: may
 * be NULL. GRAFT_USAGE names the token, merge or id that does not fit. */
GRAFT_API int32_t graft_write_vocabulary(const char *path, const char *name, const char *pre, int32_t n_tokens, const char *tokens, int64_t token_bytes,
    const int32_t *types, int32_t n_merges, const char *merges, int64_t merge_bytes, int32_t bos, int32_t eos, int32_t eot, int32_t pad, int32_t add_bos,
    const char *chat_template, char *message, int64_t message_bytes);

/* Writes a model of the given shape with random weights (seeded). deviation 0: for benches and tests, logits of sensible size. deviation > 0: to be
 * pretrained; matrices uniform around 0 with that deviation (attn_output and ffn_down divided by sqrt(2 layers), as GPT-2), norms 1, biases 0.
 * architecture "llama", "qwen2", "qwen3"; mix a type name ("F32", "Q8_0", ...) or "Q4_K_M" (llama.cpp's choice of types per tensor).
 * head_width 0 means width/heads. vocabulary: path of a GGUF whose tokenizer.* is copied (its size wins), or NULL for byte tokens plus filler.
 * tied: no output tensor. rope_base 0: the architecture's own. name: general.name, NULL for "random <architecture>". */
GRAFT_API int32_t graft_write_random_model(const char *path, const char *architecture, int32_t layers, int32_t width, int32_t heads, int32_t kv_heads,
    int32_t head_width, int32_t feed_forward, int32_t vocabulary_size, int32_t context_length, int32_t tied, const char *mix, const char *vocabulary, int64_t seed,
    float deviation, float rope_base, const char *name, char *message, int64_t message_bytes);

/* ---- importance matrices, and files in other types ---------------------------------------------------------------------- */

/* Mean squares of the inputs of each linear layer's columns. path NULL: an empty one, to be filled by graft_trainer_observe; else a file of llama.cpp's, either the
 * binary format or GGUF. */
GRAFT_API int32_t graft_importance_open(const char *path, graft_importance **out, char *message, int64_t message_bytes);
/* By the name of the file: ".dat" is llama.cpp's binary format (what versions before August 2025 read), anything else GGUF. source: what it was made from. */
GRAFT_API int32_t graft_importance_save(graft_importance *, const char *path, const char *source, char *message, int64_t message_bytes);
/* JSON: {"batches","tokens","entries":[{"name","columns","tokens","mean","largest"}]} */
GRAFT_API int32_t graft_importance_describe(graft_importance *, char *buffer, int64_t capacity, int64_t *needed, char *message, int64_t message_bytes);
/* A weight's mean squares; count must be its columns. */
GRAFT_API int32_t graft_importance_values(graft_importance *, const char *weight, float *values, int64_t count, char *message, int64_t message_bytes);
GRAFT_API void graft_importance_close(graft_importance *);

/* Writes a file again with other weight types, step by step, in bounded memory, byte for byte as llama-quantize (b4916). type: a type ("Q4_0", "F16") or a mix ("Q4_K_M") as
 * llama-quantize names them. output_type and embedding_type: a type for output.weight and token_embd.weight, NULL or "" for the mix's choice. pure: one type for all
 * matrices. importance: may be NULL, and may be closed afterwards. The gguf must stay open. GRAFT_USAGE when a type is unknown or the importance is another model's. */
GRAFT_API int32_t graft_quantizer_open(graft_runtime *, graft_gguf *, const char *path, const char *type, const char *output_type, const char *embedding_type, int32_t pure,
    graft_importance *importance, graft_quantizer **out, char *message, int64_t message_bytes);
/* JSON: {"type","file_type","parameters","source_bytes","bytes","requantized" (tensors quantized already that are quantized to another type),"tensors":[{"name","from","to",
 * "wanted" (differs from to where the row does not fit),"row","source_bytes","bytes","importance" (1 or 0)}]}, in the order of the new file. */
GRAFT_API int32_t graft_quantizer_describe(graft_quantizer *, char *buffer, int64_t capacity, int64_t *needed, char *message, int64_t message_bytes);
/* Works on for a part of a tensor; *done_bytes of the source's tensors are done; *finished 1 when the file stands under its name. GRAFT_BAD_FILE names a tensor with a NaN or an
 * infinity, GRAFT_NOT_FINITE one with values that its new type cannot hold. After a failure, or when it is closed before the end, nothing is left of the new file. */
GRAFT_API int32_t graft_quantizer_step(graft_quantizer *, int64_t *done_bytes, int32_t *finished, char *message, int64_t message_bytes);
GRAFT_API void graft_quantizer_close(graft_quantizer *);

/* ---- models ---------------------------------------------------------------------------------------------------- */

/* Architectures llama, qwen2, qwen3. Weights stay mapped and quantized. */
GRAFT_API int32_t graft_model_open(graft_runtime *, const char *path, graft_model **out, char *message, int64_t message_bytes);
/* JSON: {"architecture","name","layers","width","heads","kv_heads","head_width","feed_forward","vocabulary","context_length","parameters",
 * "file_bytes","weight_bytes","flops_per_token","notes":[...]}; notes are sentences for the user (say, a sliding window that llama.cpp ignores). */
GRAFT_API int32_t graft_model_describe(graft_model *, char *buffer, int64_t capacity, int64_t *needed, char *message, int64_t message_bytes);
GRAFT_API void graft_model_close(graft_model *);

/* ---- LoRA adapters --------------------------------------------------------------------------------------------- */

/* targets: "all-linear" or a comma-separated list of attn_q, attn_k, attn_v, attn_output, ffn_gate, ffn_up, ffn_down.
 * A is Kaiming-uniform (a = sqrt 5, as in PEFT), B is zero. rslora: scale alpha/sqrt(rank) instead of alpha/rank. */
GRAFT_API int32_t graft_adapter_create(graft_model *, int32_t rank, float alpha, int32_t rslora, const char *targets, int64_t seed, graft_adapter **out, char *message, int64_t message_bytes);
/* llama.cpp's layout: blk.N.X.weight.lora_a / .lora_b in F32, F16 or BF16, adapter.lora.alpha; any subset of targets. Anything else in it is refused by name. */
GRAFT_API int32_t graft_adapter_open(graft_model *, const char *path, graft_adapter **out, char *message, int64_t message_bytes);
/* An independent copy (the frozen reference of DPO, say). */
GRAFT_API int32_t graft_adapter_clone(graft_adapter *, graft_adapter **out, char *message, int64_t message_bytes);
/* Writes F32 tensors in llama.cpp's layout. name: general.name, may be NULL. */
GRAFT_API int32_t graft_adapter_save(graft_adapter *, const char *path, const char *name, char *message, int64_t message_bytes);
/* JSON: {"rank" (largest),"alpha","scale","parameters","tensors":[{"name","rank","rows","columns"}]} */
GRAFT_API int32_t graft_adapter_describe(graft_adapter *, char *buffer, int64_t capacity, int64_t *needed, char *message, int64_t message_bytes);
/* Copies one tensor ("blk.0.attn_q.weight.lora_a") out (write = 0) or in (write = 1); count must be its size. For tests and tools. */
GRAFT_API int32_t graft_adapter_tensor(graft_adapter *, const char *name, int32_t write, float *values, int64_t count, char *message, int64_t message_bytes);
GRAFT_API void graft_adapter_close(graft_adapter *);

/* ---- all weights ------------------------------------------------------------------------------------------------ */

/* Every weight of the model as f32 on the device, to be trained (pretraining, full fine-tuning): 4 bytes a parameter. Until it is closed the model
 * computes with these, whoever asks; one at a time. GRAFT_USAGE when a weight is quantized: F32, F16 and BF16 can be trained. */
GRAFT_API int32_t graft_weights_open(graft_model *, graft_weights **out, char *message, int64_t message_bytes);
/* The model's file with these weights in it, metadata and all. type NULL or "": each tensor in the type it had; "F32", "F16", "BF16" or "Q8_0": matrices in
 * that (F16 where a row is no whole number of blocks), norms and biases in F32. name: general.name, NULL for the source's.
 * GRAFT_NOT_FINITE when a weight is NaN, infinite or beyond F16. */
GRAFT_API int32_t graft_weights_save(graft_weights *, const char *path, const char *type, const char *name, char *message, int64_t message_bytes);
/* JSON: {"parameters","bytes","tensors":[{"name","count"}]}; matrices first, then norms and biases, which weight decay leaves alone. */
GRAFT_API int32_t graft_weights_describe(graft_weights *, char *buffer, int64_t capacity, int64_t *needed, char *message, int64_t message_bytes);
/* As graft_adapter_tensor, with the names of the model's file ("blk.0.attn_q.weight"). */
GRAFT_API int32_t graft_weights_tensor(graft_weights *, const char *name, int32_t write, float *values, int64_t count, char *message, int64_t message_bytes);
GRAFT_API void graft_weights_close(graft_weights *);

/* ---- scoring and training -------------------------------------------------------------------------------------- */

/* max_tokens: most tokens in one batch (memory is allocated here, once). adapter and weights NULL: the bare base, scoring only. With weights, those are
 * trained (adapter NULL, dropout 0).
 * trainable 0: scoring only (no gradient or optimizer memory). recompute 0 keeps activations, 1 recomputes each block in the backward, 2 does so
 * from inputs that are kept in the host's memory meanwhile (on the CPU as 1).
 * dropout in [0,1) acts on the adapter's input when a forward says training. max_targets: most targets in one batch. */
GRAFT_API int32_t graft_trainer_open(graft_model *, graft_adapter *, graft_weights *, int32_t trainable, int64_t max_tokens, int64_t max_targets,
    int32_t recompute, float dropout, int64_t seed, graft_trainer **out, char *message, int64_t message_bytes);
/* Bytes graft_trainer_open would allocate beside the mapped file, adapter and optimizer included; nothing is allocated. */
GRAFT_API int32_t graft_trainer_memory(graft_model *, int32_t rank, const char *targets, int32_t trainable, int64_t max_tokens, int64_t max_targets,
    int32_t recompute, float dropout, int64_t *bytes, char *message, int64_t message_bytes);
/* The same for training all weights: they, their gradient and both moments take 16 bytes a parameter. */
GRAFT_API int32_t graft_trainer_memory_of_weights(graft_model *, int64_t max_tokens, int64_t max_targets, int32_t recompute, int64_t *bytes, char *message,
    int64_t message_bytes);
/* One packed batch: segments laid end to end. lengths [n_segments]; prefixes [n_segments]: index of the earlier segment that this one continues, or -1
 * (a prefix may not itself have a prefix); tokens [sum lengths]. Positions run on from the prefix. Targets: from row target_rows[i] (index into tokens) the
 * id target_ids[i] is predicted; several targets may share a row; rows ascend. logps [n_targets] is overwritten (natural log). So are, unless NULL,
 * mean_logits [n_targets], the mean over the vocabulary of the logits at each target's row, and log_squares [n_targets], log of the sum over the vocabulary
 * of p squared there; logps and gradient do not depend on whether they are asked for.
 * training 1: keeps what the backward needs, applies dropout. 0: scores, in f32 on every isa (but for a trainer opened for training on a GPU, which scores as 2). 2: scores by the
 * same numerics as 1 (on amx and on a GPU those are coarser), without dropout, keeps nothing; a trainer opened for scoring can do it too. */
GRAFT_API int32_t graft_trainer_forward(graft_trainer *, int32_t n_segments, const int32_t *lengths, const int32_t *prefixes, const int32_t *tokens,
    int64_t n_targets, const int32_t *target_rows, const int32_t *target_ids, int32_t training, float *logps, float *mean_logits, float *log_squares,
    char *message, int64_t message_bytes);
/* After a forward of a trainer that was opened for scoring: log-probabilities (natural) of the whole vocabulary, [n, vocabulary], that the targets begin to
 * begin + n - 1 of that batch were drawn from. count: numbers that logps has room for. */
GRAFT_API int32_t graft_trainer_distributions(graft_trainer *, int64_t begin, int64_t n, float *logps, int64_t count, char *message, int64_t message_bytes);
/* weights [n_targets]: d loss / d logp of the last forward (which must have been a training one). Gradients accumulate until a step. */
GRAFT_API int32_t graft_trainer_backward(graft_trainer *, const float *weights, char *message, int64_t message_bytes);
/* Clips the accumulated gradient to max_grad_norm (0: no clipping), AdamW(0.9, beta2, 1e-8) with decoupled weight_decay, zeroes the gradient.
 * *grad_norm is the global L2 norm before clipping. GRAFT_NOT_FINITE leaves parameters and optimizer untouched. */
GRAFT_API int32_t graft_trainer_step(graft_trainer *, float learning_rate, float weight_decay, float max_grad_norm, float beta2, double *grad_norm, char *message, int64_t message_bytes);
/* Copies the accumulated gradient of one tensor. For tests. */
GRAFT_API int32_t graft_trainer_gradient(graft_trainer *, const char *name, float *values, int64_t count, char *message, int64_t message_bytes);
/* Parameters, both moments, update count and dropout counter, with a checksum; load refuses a file of another shape. Bit for bit. */
GRAFT_API int32_t graft_trainer_save(graft_trainer *, const char *path, char *message, int64_t message_bytes);
GRAFT_API int32_t graft_trainer_load(graft_trainer *, const char *path, char *message, int64_t message_bytes);
/* From now on every forward pass adds the squares of the linear layers' inputs to this matrix (which may be closed before the trainer); NULL: no more. */
GRAFT_API int32_t graft_trainer_observe(graft_trainer *, graft_importance *, char *message, int64_t message_bytes);
GRAFT_API void graft_trainer_close(graft_trainer *);

/* Mean negative log-likelihood over `total` targets (of the whole optimizer step, of which these n are a part): weights[i] = -1/total,
 * *loss = -sum(logps)/total. The step's loss is the sum over its parts. */
GRAFT_API int32_t graft_loss_sft(int64_t n, const float *logps, int64_t total, float *weights, double *loss, char *message, int64_t message_bytes);

/* Preference losses: DPO and its kin, formulas, derivatives and papers in docs/losses.md. A unit is a pair, or for an unpaired kind a row.
 * Options are an array of GRAFT_PREFERENCE_OPTIONS doubles in this order; an option that a kind does not use must have its neutral value. */
typedef enum graft_preference_option {
  GRAFT_PREFERENCE_BETA = 0,             /* --beta > 0 */
  GRAFT_PREFERENCE_LABEL_SMOOTHING = 1,  /* --label-smoothing in [0, 0.5), neutral 0; exo_pair needs > 0 */
  GRAFT_PREFERENCE_GAMMA = 2,            /* --simpo-gamma >= 0, neutral 0: target margin of simpo, inside the sigmoid */
  GRAFT_PREFERENCE_SFT_WEIGHT = 3,       /* --sft-weight >= 0, neutral 0: adds weight * mean over tokens of the chosen answers' negative log-likelihood */
  GRAFT_PREFERENCE_LENGTH_NORMALIZE = 4, /* --length-normalize 0 or 1: scores are divided by their token counts */
  GRAFT_PREFERENCE_LD_ALPHA = 5,         /* --ld-alpha in [0, 1], neutral 1: weight of the tokens beyond the shorter answer's length */
  GRAFT_PREFERENCE_WPO = 6,              /* --wpo 0 or 1: each pair weighted by its own likelihood under the policy, at most 1, detached */
  GRAFT_PREFERENCE_DESIRABLE_WEIGHT = 7, /* --desirable-weight >= 0, neutral 1: kto */
  GRAFT_PREFERENCE_UNDESIRABLE_WEIGHT = 8, /* --undesirable-weight >= 0, neutral 1: kto */
  GRAFT_PREFERENCE_OPTIONS = 9
} graft_preference_option;
typedef enum graft_preference_trait {
  GRAFT_PREFERENCE_NEEDS_REFERENCE = 1, /* reference log-probabilities must be given; other kinds ignore them */
  GRAFT_PREFERENCE_UNPAIRED = 2,        /* a unit is one row with a label, not a pair */
  GRAFT_PREFERENCE_WHOLE_STEP = 4,      /* the units depend on each other: one call must see all units of the optimizer step (bco_pair: unless update_state is 0) */
  GRAFT_PREFERENCE_NEEDS_KL = 8,        /* state[0] must hold the step's KL estimate; given that, the units are independent */
  GRAFT_PREFERENCE_RUNNING_MEAN = 16    /* state carries a running mean from step to step */
} graft_preference_trait;
/* Names of all kinds, comma-separated: "sigmoid,robust,...". */
GRAFT_API const char *graft_preference_kinds(void);
/* The options that a kind has when the user says nothing, and its traits (a sum of graft_preference_trait). */
GRAFT_API int32_t graft_preference_describe(const char *kind, double *defaults, int32_t n_options, int32_t *traits, char *message, int64_t message_bytes);
/* GRAFT_USAGE and a line that names the flag unless the options fit the kind and each other. */
GRAFT_API int32_t graft_preference_check(const char *kind, const double *options, int32_t n_options, char *message, int64_t message_bytes);
/* Loss and derivative of n of the optimizer step's total_units units.
 * Sequences: chosen and rejected of each pair in turn (2n of them, labels NULL), or for an unpaired kind n rows with labels [n] (1 desirable, 0 not).
 * lengths [sequences] >= 0; logps, reference (may be NULL where the kind needs none) [sum lengths], in the order of the sequences. alignment: NULL, or for --wpo
 * log sum p^2 of the policy's distribution at each token (log_squares of graft_trainer_forward), by which the weights are divided.
 * total_sft_tokens: what the SFT term is averaged over in the whole step (the chosen answers' tokens, >= those here; unused when --sft-weight is 0).
 * state [2], may be NULL for all 0: {running mean, count} of the rewards (bco_pair), in and, when update_state, first updated with this call's rewards, out;
 * {KL estimate, unused} (kto), in.
 * All overwritten: weights [sum lengths] = d(sum of the step's losses / total_units) / d logp; losses [n], of which the step's loss is sum / total_units;
 * rewards [sequences] = beta * the sequence's score (for kinds with a reference, the sum of its log ratios). GRAFT_NOT_FINITE names the unit; the state is as before. */
GRAFT_API int32_t graft_preference_loss(const char *kind, const double *options, int32_t n_options, int64_t n, const int32_t *labels, const int32_t *lengths,
    const float *logps, const float *reference, const float *alignment, int64_t total_units, int64_t total_sft_tokens, int32_t update_state, double *state,
    float *weights, double *losses, double *rewards, char *message, int64_t message_bytes);

/* ---- generation ------------------------------------------------------------------------------------------------ */

/* Up to `sequences` sequences at once, of up to `context` tokens each, over one KV cache of cache_tokens tokens (0: sequences * context) in pages of page_tokens
 * (0: 32). cache_type: how it stores numbers, as GGUF numbers types: F32 (0), F16 (1) or Q8_0 (8, heads a multiple of 32 wide). pass_rows: most tokens computed
 * together (0: 512; at least `sequences`). Full pages stay after their sequence's end, for later ones with the same beginning and adapters, until room is needed. */
GRAFT_API int32_t graft_generator_open(graft_model *, int32_t sequences, int32_t context, int64_t cache_tokens, int32_t cache_type, int32_t page_tokens,
    int32_t pass_rows, graft_generator **out, char *message, int64_t message_bytes);
/* *index: for graft_generator_begin, never used again for another adapter. The adapter must outlive the generator or be removed before it is closed, and its
 * numbers must not change while it is here. */
GRAFT_API int32_t graft_generator_add_adapter(graft_generator *, graft_adapter *, int32_t *index, char *message, int64_t message_bytes);
/* GRAFT_USAGE while a sequence uses it. */
GRAFT_API int32_t graft_generator_remove_adapter(graft_generator *, int32_t index, char *message, int64_t message_bytes);
/* Begins a sequence (0 to sequences - 1, one that is not at work) with a set of adapters, which add up (none: the bare base); scales [n_adapters] multiply their own, NULL
 * for 1. tokens [n]: what it begins with, at least one. *reused of them, always fewer than n, are in the cache already; the caller appends the others. most: tokens
 * that it may come to, within the context; pages for these are set aside. reuse 0: nothing is adopted or left for others. *reused is -1, and nothing has changed,
 * when there are not enough pages now: try again when another sequence has ended. GRAFT_USAGE when there never will be. */
GRAFT_API int32_t graft_generator_begin(graft_generator *, int32_t sequence, int32_t n_adapters, const int32_t *adapters, const float *scales, int64_t n,
    const int32_t *tokens, int64_t most, int32_t reuse, int32_t *reused, char *message, int64_t message_bytes);
/* Appends tokens to n different sequences: lengths [n] >= 1, tokens end to end, computed pass_rows at a time. keep [n]: 0 nothing, 1 the logits after a sequence's last
 * token, 2 all these rows' last hidden states (after the final norm), added to the sequence's sum. GRAFT_USAGE, and nothing done, when a sequence would outgrow what it was
 * begun for. After any other failure the sequences named can only be ended. */
GRAFT_API int32_t graft_generator_append(graft_generator *, int32_t n, const int32_t *sequence_of, const int32_t *lengths, const int32_t *tokens, const int32_t *keep,
    char *message, int64_t message_bytes);
/* Draws from the kept logits of a sequence, which stay as they are. First they are changed: biases [n_bias] are added to those of bias_ids; repetition_penalty (> 0, 1: off)
 * divides positive and multiplies negative ones of all tokens that the sequence has; presence_penalty, and frequency_penalty times their number, are subtracted
 * from those that it has beyond what it began with (0: off). mask: bit i % 64 of word i / 64 says whether token i may come, none beyond mask_words words; NULL: all may.
 * Then temperature 0 takes the highest (lowest id wins a tie); else of softmax(logits / temperature), in this order, the top_k likeliest (0: off), the fewest that
 * hold top_p of what is left (1: off), those at least min_p as likely as the likeliest (0: off); random in [0,1) picks. */
GRAFT_API int32_t graft_generator_sample(graft_generator *, int32_t sequence, float temperature, int32_t top_k, float top_p, float min_p, float repetition_penalty,
    float presence_penalty, float frequency_penalty, int32_t n_bias, const int32_t *bias_ids, const float *biases, const uint64_t *mask, int64_t mask_words,
    double random, int32_t *token, char *message, int64_t message_bytes);
/* GRAFT_USAGE and a line that names it when one of these is out of its range for a vocabulary. */
GRAFT_API int32_t graft_sampler_check(int32_t vocabulary, float temperature, int32_t top_k, float top_p, float min_p, float repetition_penalty,
    float presence_penalty, float frequency_penalty, int32_t n_bias, const int32_t *bias_ids, const float *biases, char *message, int64_t message_bytes);
/* Natural log-probabilities under softmax of the kept logits, unchanged: *logp of a token; top_ids and top_logps [n] of the n likeliest, likeliest first. */
GRAFT_API int32_t graft_generator_logps(graft_generator *, int32_t sequence, int32_t token, float *logp, int32_t n, int32_t *top_ids, float *top_logps,
    char *message, int64_t message_bytes);
/* The mean of the hidden states kept, of length 1; count must be the model's width. GRAFT_NOT_FINITE when it has no direction. */
GRAFT_API int32_t graft_generator_embedding(graft_generator *, int32_t sequence, float *values, int64_t count, char *message, int64_t message_bytes);
/* Ends a sequence, which may then be begun again; nothing when it is not at work. */
GRAFT_API int32_t graft_generator_end(graft_generator *, int32_t sequence, char *message, int64_t message_bytes);
/* The cache's pages: in all, used by sequences, and kept for reuse. */
GRAFT_API int32_t graft_generator_cache(graft_generator *, int32_t *page_tokens, int32_t *pages, int32_t *used, int32_t *kept, char *message, int64_t message_bytes);
GRAFT_API void graft_generator_close(graft_generator *);

#ifdef __cplusplus
}
#endif
#endif

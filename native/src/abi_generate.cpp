// graft.h: generation.
#include "abi_guard.h"
#include "abi_handles.h"

using namespace graft;

namespace {

SamplerOptions sampler(float temperature, int32_t top_k, float top_p, float min_p, float repetition_penalty, float presence_penalty, float frequency_penalty,
                       int32_t n_bias, const int32_t *bias_ids, const float *biases) {
  SamplerOptions options;
  options.temperature = temperature;
  options.top_k = top_k;
  options.top_p = top_p;
  options.min_p = min_p;
  options.repetition_penalty = repetition_penalty;
  options.presence_penalty = presence_penalty;
  options.frequency_penalty = frequency_penalty;
  options.n_bias = n_bias;
  options.bias_ids = bias_ids;
  options.biases = biases;
  return options;
}

}  // namespace

extern "C" {

int32_t graft_generator_open(graft_model *model, int32_t sequences, int32_t context, int64_t cache_tokens, int32_t cache_type, int32_t page_tokens, int32_t pass_rows,
                             graft_generator **out, char *message, int64_t message_bytes) {
  return opened(out, message, message_bytes, [&] {
    return std::make_unique<graft_generator>(required(model, "model").value, GeneratorOptions{sequences, context, cache_tokens, cache_type, page_tokens, pass_rows});
  });
}

int32_t graft_generator_add_adapter(graft_generator *generator, graft_adapter *adapter, int32_t *index, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] { required(index, "index") = required(generator, "generator").value.add_adapter(*required(adapter, "adapter").value); });
}

int32_t graft_generator_remove_adapter(graft_generator *generator, int32_t index, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] { required(generator, "generator").value.remove_adapter(index); });
}

int32_t graft_generator_begin(graft_generator *generator, int32_t sequence, int32_t n_adapters, const int32_t *adapters, const float *scales, int64_t n, const int32_t *tokens,
                              int64_t most, int32_t reuse, int32_t *reused, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    if (n_adapters < 0) fail(GRAFT_USAGE, "%d adapters are out of range", n_adapters);
    if (n_adapters > 0) required(adapters, "adapters");
    if (n > 0) required(tokens, "tokens");
    required(reused, "reused") = required(generator, "generator").value.begin(sequence, n_adapters, adapters, scales, n, tokens, most, reuse != 0);
  });
}

int32_t graft_generator_append(graft_generator *generator, int32_t n, const int32_t *sequence_of, const int32_t *lengths, const int32_t *tokens, const int32_t *keep,
                               char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    required(sequence_of, "sequence_of");
    required(lengths, "lengths");
    required(tokens, "tokens");
    required(keep, "keep");
    required(generator, "generator").value.append(n, sequence_of, lengths, tokens, keep);
  });
}

int32_t graft_sampler_check(int32_t vocabulary, float temperature, int32_t top_k, float top_p, float min_p, float repetition_penalty, float presence_penalty,
                            float frequency_penalty, int32_t n_bias, const int32_t *bias_ids, const float *biases, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    check_sampler(sampler(temperature, top_k, top_p, min_p, repetition_penalty, presence_penalty, frequency_penalty, n_bias, bias_ids, biases), vocabulary);
  });
}

int32_t graft_generator_sample(graft_generator *generator, int32_t sequence, float temperature, int32_t top_k, float top_p, float min_p, float repetition_penalty,
                               float presence_penalty, float frequency_penalty, int32_t n_bias, const int32_t *bias_ids, const float *biases, const uint64_t *mask,
                               int64_t mask_words, double random, int32_t *token, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    SamplerOptions options = sampler(temperature, top_k, top_p, min_p, repetition_penalty, presence_penalty, frequency_penalty, n_bias, bias_ids, biases);
    options.mask = mask;
    options.mask_words = mask_words;
    required(token, "token") = required(generator, "generator").value.sample(sequence, options, random);
  });
}

int32_t graft_generator_logps(graft_generator *generator, int32_t sequence, int32_t token, float *logp, int32_t n, int32_t *top_ids, float *top_logps, char *message,
                              int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    if (n > 0) {
      required(top_ids, "top_ids");
      required(top_logps, "top_logps");
    }
    required(logp, "logp") = required(generator, "generator").value.log_probability(sequence, token, n, top_ids, top_logps);
  });
}

int32_t graft_generator_embedding(graft_generator *generator, int32_t sequence, float *values, int64_t count, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] { required(generator, "generator").value.embedding(sequence, &required(values, "values"), count); });
}

int32_t graft_generator_end(graft_generator *generator, int32_t sequence, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] { required(generator, "generator").value.end(sequence); });
}

int32_t graft_generator_cache(graft_generator *generator, int32_t *page_tokens, int32_t *pages, int32_t *used, int32_t *kept, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    const PageTable &table = required(generator, "generator").value.pages();
    required(page_tokens, "page_tokens") = table.page_tokens();
    required(pages, "pages") = table.pages();
    required(used, "used") = table.used();
    required(kept, "kept") = table.kept();
  });
}

void graft_generator_close(graft_generator *generator) { delete generator; }

}  // extern "C"

// graft.h: scoring and training.
#include "abi_guard.h"
#include "abi_handles.h"
#include "loss_sft.h"

using namespace graft;

namespace {

TrainerOptions options_from(int32_t trainable, int64_t max_tokens, int64_t max_targets, int32_t recompute, float dropout, int64_t seed) {
  TrainerOptions options;
  options.trainable = trainable != 0;
  options.max_tokens = max_tokens;
  options.max_targets = max_targets;
  if (recompute < 0 || recompute > 2) fail(GRAFT_USAGE, "recompute is %d; it must be 0 (none), 1 (block) or 2 (offload)", recompute);
  options.recompute = Recompute(recompute);
  options.dropout = dropout;
  options.seed = seed;
  return options;
}

}  // namespace

extern "C" {

int32_t graft_trainer_open(graft_model *model, graft_adapter *adapter, graft_weights *weights, int32_t trainable, int64_t max_tokens, int64_t max_targets, int32_t recompute,
                           float dropout, int64_t seed, graft_trainer **out, char *message, int64_t message_bytes) {
  return opened(out, message, message_bytes, [&] {
    return std::make_unique<graft_trainer>(required(model, "model").value, adapter ? adapter->value.get() : nullptr, weights ? weights->value.get() : nullptr,
                                           options_from(trainable, max_tokens, max_targets, recompute, dropout, seed));
  });
}

int32_t graft_trainer_memory(graft_model *model, int32_t rank, const char *targets, int32_t trainable, int64_t max_tokens, int64_t max_targets, int32_t recompute,
                             float dropout, int64_t *bytes, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    const std::vector<Target> chosen = rank > 0 ? parse_targets(&required(targets, "targets")) : std::vector<Target>();
    required(bytes, "bytes") = Trainer::memory_bytes(required(model, "model").value, rank, chosen, options_from(trainable, max_tokens, max_targets, recompute, dropout, 0));
  });
}

int32_t graft_trainer_memory_of_weights(graft_model *model, int64_t max_tokens, int64_t max_targets, int32_t recompute, int64_t *bytes, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    required(bytes, "bytes") = Trainer::memory_bytes_of_weights(required(model, "model").value, options_from(1, max_tokens, max_targets, recompute, 0, 0));
  });
}

int32_t graft_trainer_forward(graft_trainer *trainer, int32_t n_segments, const int32_t *lengths, const int32_t *prefixes, const int32_t *tokens, int64_t n_targets,
                              const int32_t *target_rows, const int32_t *target_ids, int32_t training, float *logps, float *mean_logits, float *log_squares,
                              char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    Trainer &target = required(trainer, "trainer").value;
    if (training < 0 || training > 2) fail(GRAFT_USAGE, "a forward pass of kind %d is not known; give 0, 1 or 2", int(training));
    required(lengths, "lengths");
    required(tokens, "tokens");
    if (n_targets > 0) {
      required(target_rows, "target_rows");
      required(target_ids, "target_ids");
      required(logps, "logps");
    }
    Batch batch = make_batch(target.model().hyper().vocabulary, target.options().max_tokens, target.options().max_targets, n_segments, lengths, prefixes, tokens,
                             n_targets, target_rows, target_ids);
    if (training == 2) return target.rehearse(std::move(batch), logps, mean_logits, log_squares);
    target.forward(std::move(batch), training == 1, logps, mean_logits, log_squares);
  });
}

int32_t graft_trainer_distributions(graft_trainer *trainer, int64_t begin, int64_t n, float *logps, int64_t count, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    Trainer &target = required(trainer, "trainer").value;
    const int64_t vocabulary = target.model().hyper().vocabulary;
    if (n < 0 || count / vocabulary < n) fail(GRAFT_USAGE, "%lld numbers are no room for %lld distributions over %lld tokens", (long long)count, (long long)n, (long long)vocabulary);
    target.distributions(begin, n, &required(logps, "logps"));
  });
}

int32_t graft_trainer_backward(graft_trainer *trainer, const float *weights, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    Trainer &target = required(trainer, "trainer").value;
    if (target.batch().targets() > 0) required(weights, "weights");
    target.backward(weights);
  });
}

int32_t graft_trainer_step(graft_trainer *trainer, float learning_rate, float weight_decay, float max_grad_norm, float beta2, double *grad_norm, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    const double norm = required(trainer, "trainer").value.step(learning_rate, weight_decay, max_grad_norm, beta2);
    if (grad_norm) *grad_norm = norm;
  });
}

int32_t graft_trainer_gradient(graft_trainer *trainer, const char *name, float *values, int64_t count, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    Trainer &target = required(trainer, "trainer").value;
    if (!target.options().trainable) fail(GRAFT_USAGE, "a trainer opened for scoring has no gradients");
    int64_t offset, size;
    target.parameters()->locate(&required(name, "name"), &offset, &size);
    if (count != size) fail(GRAFT_USAGE, "%s has %lld numbers, not %lld", name, (long long)size, (long long)count);
    check(target.model().ops().download(target.model().backend(), &required(values, "values"), target.optimizer().gradient() + offset, count * 4), "download");
  });
}

int32_t graft_trainer_save(graft_trainer *trainer, const char *path, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] { required(trainer, "trainer").value.save(&required(path, "path")); });
}

int32_t graft_trainer_load(graft_trainer *trainer, const char *path, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] { required(trainer, "trainer").value.load(&required(path, "path")); });
}

void graft_trainer_close(graft_trainer *trainer) { delete trainer; }

int32_t graft_loss_sft(int64_t n, const float *logps, int64_t total, float *weights, double *loss, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    if (n < 0 || total < 1) fail(GRAFT_USAGE, "a loss over %lld of %lld targets is out of range", (long long)n, (long long)total);
    if (n > 0) {
      required(logps, "logps");
      required(weights, "weights");
    }
    required(loss, "loss") = sft_loss(n, logps, total, weights);
  });
}

}  // extern "C"

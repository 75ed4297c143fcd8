// What the ABI's opaque handles hold.
#pragma once
#include <memory>

#include "generator.h"
#include "gguf.h"
#include "lora.h"
#include "importance.h"
#include "model.h"
#include "quantize.h"
#include "runtime.h"
#include "trainer.h"

struct graft_runtime {
  graft_runtime(const char *device, const char *isa, int32_t threads) : value(device, isa, threads) {}
  graft::Runtime value;
};
struct graft_gguf {
  std::unique_ptr<graft::Gguf> value;
};
struct graft_model {
  graft_model(graft::Runtime &runtime, const char *path) : value(runtime, path) {}
  graft::Model value;
};
struct graft_adapter {
  std::unique_ptr<graft::Adapter> value;
};
struct graft_weights {
  std::unique_ptr<graft::Weights> value;
};
struct graft_trainer {
  graft_trainer(graft::Model &model, graft::Adapter *adapter, graft::Weights *weights, const graft::TrainerOptions &options)
      : value(model, adapter, weights, options) {}
  graft::Trainer value;
};
struct graft_generator {
  graft_generator(graft::Model &model, const graft::GeneratorOptions &options) : value(model, options) {}
  graft::Generator value;
};
struct graft_importance {
  std::shared_ptr<graft::Importance> value;
};
struct graft_quantizer {
  graft_quantizer(graft::Runtime &runtime, const graft::Gguf &file, const char *path, const graft::QuantizeOptions &options) : value(runtime, file, path, options) {}
  graft::Quantizer value;
};

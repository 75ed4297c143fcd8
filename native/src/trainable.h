// What a trainer trains: floats on the device, laid end to end.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "runtime.h"

namespace graft {

class Model;

class Trainable {
 public:
  virtual ~Trainable();
  Trainable(const Trainable &) = delete;
  Trainable &operator=(const Trainable &) = delete;

  Model &model() const { return model_; }
  // All tensors end to end, each beginning at a multiple of 16 floats; the gaps are zero and stay zero.
  float *parameters() const { return static_cast<float *>(parameters_); }
  int64_t parameter_floats() const { return floats_; }
  // The first of them, which weight decay acts on.
  virtual int64_t decayed_floats() const { return floats_; }

  // Offset and count of a tensor by its name; throws GRAFT_USAGE when there is none.
  virtual void locate(const std::string &name, int64_t *offset, int64_t *count) const = 0;
  // Bytes that tell these parameters from others of another shape, for checkpoints.
  virtual std::vector<uint8_t> signature() const = 0;
  virtual int64_t tensor_count() const = 0;
  // "an adapter", "a model": what a checkpoint of these holds, for messages.
  virtual const char *kind() const = 0;
  // What a tensor of so many floats takes.
  static int64_t aligned(int64_t floats) { return (floats + 15) / 16 * 16; }

 protected:
  explicit Trainable(Model &model) : model_(model) {}
  // Room for `floats` more; returns where it begins.
  int64_t reserve(int64_t floats);
  // Allocates what was reserved, zeroed; throws GRAFT_OUT_OF_MEMORY naming `what`.
  void allocate(const char *what);
  Model &model_;

 private:
  int64_t floats_ = 0;
  gk_buf parameters_ = nullptr;
};

}  // namespace graft

// Trainer state in one file, bit for bit:
//   "GRAFTCKP", u32 version, u32 tensors, i64 floats, i64 updates, u64 passes,
//   what tells these parameters from others (Trainable::signature), parameters, first moment, second moment (f32), u64 checksum of everything before it. Little-endian.
#include <algorithm>
#include <cstring>
#include <memory>

#include "atomic_file.h"
#include "mapped_file.h"
#include "trainer.h"

namespace graft {
namespace {

constexpr char kMagic[8] = {'G', 'R', 'A', 'F', 'T', 'C', 'K', 'P'};
constexpr uint32_t kVersion = 2;
constexpr int64_t kPiece = int64_t(1) << 20;  // floats moved at once

// FNV-1a over 64-bit words (the tail padded with zeros): not against an adversary, but against a damaged disk.
class Checksum {
 public:
  void add(const void *bytes, uint64_t count) {
    const auto *at = static_cast<const uint8_t *>(bytes);
    for (; count >= 8; at += 8, count -= 8) {
      uint64_t word;
      std::memcpy(&word, at, 8);
      mix(word);
    }
    if (count) {
      uint64_t word = 0;
      std::memcpy(&word, at, count);
      mix(word);
    }
  }
  uint64_t value() const { return state_; }

 private:
  void mix(uint64_t word) {
    state_ = (state_ ^ word) * 0x100000001B3ull;
    state_ ^= state_ >> 29;
  }
  uint64_t state_ = 0xCBF29CE484222325ull;
};

struct Header {
  char magic[8];
  uint32_t version, tensors;
  int64_t floats, updates;
  uint64_t passes;
};

}  // namespace

void Trainer::save(const std::string &path) {
  if (!options_.trainable) fail(GRAFT_USAGE, "a trainer opened for scoring has no state to save");
  Header header{};
  std::memcpy(header.magic, kMagic, 8);
  header.version = kVersion;
  header.tensors = uint32_t(parameters_->tensor_count());
  header.floats = optimizer_.count();
  header.updates = optimizer_.updates();
  header.passes = passes_;
  AtomicFile file(path);
  Checksum checksum;
  const auto put = [&](const void *bytes, uint64_t count) {
    checksum.add(bytes, count);
    file.write(bytes, count);
  };
  put(&header, sizeof header);
  const std::vector<uint8_t> signature = parameters_->signature();
  put(signature.data(), signature.size());
  std::vector<float> host(static_cast<size_t>(std::min(header.floats, kPiece)));
  for (const float *part : {static_cast<const float *>(parameters_->parameters()), static_cast<const float *>(optimizer_.first_moment()), static_cast<const float *>(optimizer_.second_moment())}) {
    for (int64_t begin = 0; begin < header.floats; begin += kPiece) {
      const int64_t bytes = std::min(kPiece, header.floats - begin) * 4;
      check(model_->ops().download(model_->backend(), host.data(), part + begin, bytes), "download");
      put(host.data(), uint64_t(bytes));
    }
  }
  const uint64_t sum = checksum.value();
  file.write(&sum, sizeof sum);
  file.commit();
}

void Trainer::load(const std::string &path) {
  if (!options_.trainable) fail(GRAFT_USAGE, "a trainer opened for scoring has no state to load");
  const std::unique_ptr<MappedFile> file = MappedFile::open(path);
  const char *name = path.c_str();
  Header header;
  if (file->size() < sizeof header + 8) fail(GRAFT_BAD_FILE, "%s is too short for a checkpoint", name);
  std::memcpy(&header, file->data(), sizeof header);
  if (std::memcmp(header.magic, kMagic, 8) != 0) fail(GRAFT_BAD_FILE, "%s is not a checkpoint", name);
  if (header.version != kVersion) fail(GRAFT_BAD_FILE, "%s has checkpoint version %u; this build reads %u", name, header.version, kVersion);
  const std::vector<uint8_t> signature = parameters_->signature();
  const uint64_t part_bytes = uint64_t(optimizer_.count()) * 4;
  if (header.tensors != uint64_t(parameters_->tensor_count()) || header.floats != optimizer_.count())
    fail(GRAFT_BAD_FILE, "%s is of %s of another shape (%u tensors and %lld numbers; this one has %lld and %lld)", name, parameters_->kind(), header.tensors,
         (long long)header.floats, (long long)parameters_->tensor_count(), (long long)optimizer_.count());
  if (file->size() != sizeof header + signature.size() + 3 * part_bytes + 8) fail(GRAFT_BAD_FILE, "%s is damaged: it has %llu bytes", name, (unsigned long long)file->size());
  const uint8_t *at = file->data() + sizeof header;
  Checksum checksum;  // the same pieces as when it was written
  checksum.add(&header, sizeof header);
  checksum.add(at, signature.size());
  if (std::memcmp(at, signature.data(), signature.size()) != 0) fail(GRAFT_BAD_FILE, "%s is of %s of another shape", name, parameters_->kind());
  at += signature.size();
  for (int part = 0; part < 3; part++) checksum.add(at + uint64_t(part) * part_bytes, part_bytes);
  uint64_t sum;
  std::memcpy(&sum, at + 3 * part_bytes, 8);
  if (sum != checksum.value()) fail(GRAFT_BAD_FILE, "%s is damaged: its checksum does not match; resume from an earlier checkpoint", name);
  float *const parts[3] = {parameters_->parameters(), optimizer_.first_moment(), optimizer_.second_moment()};
  for (int part = 0; part < 3; part++)
    check(model_->ops().upload(model_->backend(), parts[part], at + uint64_t(part) * part_bytes, int64_t(part_bytes)), "upload");
  check(model_->ops().zero(model_->backend(), optimizer_.gradient(), optimizer_.count() * 4), "zero");
  optimizer_.set_updates(header.updates);
  passes_ = header.passes;
  backward_ready_ = false;
}

}  // namespace graft

#include "random_blocks.h"

#include <cmath>
#include <cstring>

#include "graft/blocks.h"

namespace graft {

namespace {

// SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators").
struct Random {
  uint64_t state;
  uint64_t next() {
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
};

// Round to nearest even; |x| < 65504.
uint16_t half_of(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, 4);
  const uint16_t sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
  bits &= 0x7fffffff;
  const float magnitude = std::fabs(x);
  if (magnitude < 0x1p-14f) return static_cast<uint16_t>(sign | static_cast<uint16_t>(std::lrint(magnitude * 0x1p24f)));
  bits += 0xfff + (bits >> 13 & 1);
  return static_cast<uint16_t>(sign | static_cast<uint16_t>((bits - (112u << 23)) >> 13));
}

uint16_t bfloat_of(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, 4);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// Mean square of integers uniform in [low, high].
constexpr double mean_square(int low, int high) {
  double sum = 0;
  for (int i = low; i <= high; i++) sum += double(i) * i;
  return sum / (high - low + 1);
}
constexpr double variance(int bits) { return (double(1 << bits) * double(1 << bits) - 1) / 12; }

double iq4_mean_square() {
  static const int values[] = {GK_IQ4_VALUES};
  double sum = 0;
  for (const int value : values) sum += double(value) * value;
  return sum / 16;
}

// Root mean square of a weight of a block whose super-block scale d is 1.
double unit_deviation(gk_type type) {
  switch (type) {
    case GK_Q4_0: return std::sqrt(mean_square(-8, 7));
    case GK_Q4_1: return std::sqrt(variance(4));
    case GK_Q5_0: return std::sqrt(mean_square(-16, 15));
    case GK_Q5_1: return std::sqrt(variance(5));
    case GK_Q8_0: return std::sqrt(mean_square(-128, 127));
    case GK_Q2_K: return std::sqrt(mean_square(8, 15) * variance(2));
    case GK_Q3_K: return std::sqrt(mean_square(-32, 31) * mean_square(-4, 3));
    case GK_Q4_K: return std::sqrt(mean_square(32, 63) * variance(4));
    case GK_Q5_K: return std::sqrt(mean_square(32, 63) * variance(5));
    case GK_Q6_K: return std::sqrt(mean_square(-128, 127) * mean_square(-32, 31));
    case GK_IQ4_NL: return std::sqrt(iq4_mean_square());
    case GK_IQ4_XS: return std::sqrt(mean_square(-32, 31) * iq4_mean_square());
    default: return 1;
  }
}

// Random 6-bit scales in 32..63, each sub-block's minimum equal to its scale; blocks.h has the packing.
void set_scales_q4_K(uint8_t scales[12], uint64_t random) {
  uint8_t s[8];
  for (int i = 0; i < 8; i++) s[i] = static_cast<uint8_t>(32 | (random >> 5 * i & 31));
  for (int i = 0; i < 4; i++) {
    const uint8_t high = static_cast<uint8_t>(s[i + 4] >> 4 << 6);
    scales[i] = scales[i + 4] = static_cast<uint8_t>(high | s[i]);
    scales[i + 8] = static_cast<uint8_t>((s[i + 4] & 15) | (s[i + 4] & 15) << 4);
  }
}

// Calls `set` on each block of a piece that so far holds random bytes only. Blocks need not be aligned.
template <class Block, class Set> void each_block(uint8_t *bytes, int64_t blocks, Set set) {
  for (int64_t i = 0; i < blocks; i++) {
    Block block;
    std::memcpy(&block, bytes + i * static_cast<int64_t>(sizeof block), sizeof block);
    set(block);
    std::memcpy(bytes + i * static_cast<int64_t>(sizeof block), &block, sizeof block);
  }
}

void set_scales(gk_type type, uint8_t *bytes, int64_t blocks, double deviation, Random &random) {
  const double d = deviation / unit_deviation(type);
  const uint16_t scale = half_of(static_cast<float>(d));
  // Symmetric types have one level more below zero than above: a random sign takes the mean away.
  const auto sign = [&](uint16_t random_half) { return static_cast<uint16_t>(scale | (random_half & 0x8000)); };
  const auto minimum = [&](int bits) { return half_of(static_cast<float>(d * ((1 << bits) - 1) / 2)); };
  const auto below = [&](int bits) { return half_of(static_cast<float>(-d * ((1 << bits) - 1) / 2)); };
  switch (type) {
    case GK_Q4_0: each_block<gk_block_q4_0>(bytes, blocks, [&](gk_block_q4_0 &b) { b.d = sign(b.d); }); break;
    case GK_Q5_0: each_block<gk_block_q5_0>(bytes, blocks, [&](gk_block_q5_0 &b) { b.d = sign(b.d); }); break;
    case GK_Q8_0: each_block<gk_block_q8_0>(bytes, blocks, [&](gk_block_q8_0 &b) { b.d = sign(b.d); }); break;
    case GK_IQ4_NL: each_block<gk_block_iq4_nl>(bytes, blocks, [&](gk_block_iq4_nl &b) { b.d = sign(b.d); }); break;
    case GK_IQ4_XS: each_block<gk_block_iq4_xs>(bytes, blocks, [&](gk_block_iq4_xs &b) { b.d = sign(b.d); }); break;
    case GK_Q3_K: each_block<gk_block_q3_K>(bytes, blocks, [&](gk_block_q3_K &b) { b.d = sign(b.d); }); break;
    case GK_Q6_K: each_block<gk_block_q6_K>(bytes, blocks, [&](gk_block_q6_K &b) { b.d = sign(b.d); }); break;
    case GK_Q4_1: each_block<gk_block_q4_1>(bytes, blocks, [&](gk_block_q4_1 &b) { b.d = scale; b.m = below(4); }); break;
    case GK_Q5_1: each_block<gk_block_q5_1>(bytes, blocks, [&](gk_block_q5_1 &b) { b.d = scale; b.m = below(5); }); break;
    case GK_Q2_K:
      each_block<gk_block_q2_K>(bytes, blocks, [&](gk_block_q2_K &b) {
        for (uint8_t &s : b.scales) s = static_cast<uint8_t>((8 | (s & 7)) * 17);        // the same in both nibbles
        b.d = scale;
        b.dmin = minimum(2);
      });
      break;
    case GK_Q4_K:
      each_block<gk_block_q4_K>(bytes, blocks, [&](gk_block_q4_K &b) {
        set_scales_q4_K(b.scales, random.next());
        b.d = scale;
        b.dmin = minimum(4);
      });
      break;
    case GK_Q5_K:
      each_block<gk_block_q5_K>(bytes, blocks, [&](gk_block_q5_K &b) {
        set_scales_q4_K(b.scales, random.next());
        b.d = scale;
        b.dmin = minimum(5);
      });
      break;
    default: break;
  }
}

// Uniform numbers have deviation 1/sqrt(3) on [-1, 1).
template <class T, class Convert> void set_plain(uint8_t *bytes, int64_t n, double mean, double deviation, Random &random, Convert convert) {
  const float middle = static_cast<float>(mean), reach = static_cast<float>(deviation * std::sqrt(3.0) / 2147483648.0);
  for (int64_t i = 0; i < n; i++) {
    const T value = convert(middle + reach * static_cast<float>(static_cast<int32_t>(random.next() >> 32)));
    std::memcpy(bytes + i * static_cast<int64_t>(sizeof value), &value, sizeof value);
  }
}

}  // namespace

uint64_t seed_of(int64_t seed, std::string_view name) {
  Random random{static_cast<uint64_t>(seed)};
  for (const char c : name) random.state = random.next() ^ static_cast<unsigned char>(c);
  return random.next();
}

void fill_random(gk_type type, int64_t elements, uint64_t seed, double mean, double deviation, const GgufWriter::Sink &sink) {
  const gk_type_info &info = *gk_type_get(type);
  constexpr int64_t kPiece = 1 << 16;
  uint8_t piece[kPiece];
  Random random{seed};
  const int64_t most = kPiece / info.block_bytes;
  for (int64_t left = elements / info.block_size; left > 0;) {
    const int64_t blocks = left < most ? left : most, bytes = blocks * info.block_bytes;
    if (type == GK_F32) set_plain<float>(piece, blocks, mean, deviation, random, [](float x) { return x; });
    else if (type == GK_F16) set_plain<uint16_t>(piece, blocks, mean, deviation, random, half_of);
    else if (type == GK_BF16) set_plain<uint16_t>(piece, blocks, mean, deviation, random, bfloat_of);
    else {
      for (int64_t at = 0; at < bytes; at += 8) {
        const uint64_t word = random.next();
        std::memcpy(piece + at, &word, static_cast<size_t>(bytes - at < 8 ? bytes - at : 8));
      }
      set_scales(type, piece, blocks, deviation, random);
    }
    sink(piece, static_cast<uint64_t>(bytes));
    left -= blocks;
  }
}

}  // namespace graft

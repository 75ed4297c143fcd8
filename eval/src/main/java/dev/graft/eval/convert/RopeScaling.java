package dev.graft.eval.convert;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * How RoPE's positions are stretched beyond the context that a model was first trained on.
 *
 * @param linear divides every position; 1 for no such thing
 * @param llama3 divides each frequency by a factor of its own (Llama 3.1's way), or null
 */
record RopeScaling(double linear, Llama3 llama3) {
  static final RopeScaling NONE = new RopeScaling(1, null);

  /**
   * Llama 3.1's scaling: long wavelengths are stretched by {@code factor}, short ones stay, and those between go over smoothly.
   *
   * @param low wavelengths above {@code original / low} are long  @param high those below {@code original / high} are short
   * @param original context of the first training, in tokens
   */
  record Llama3(double factor, double low, double high, double original) {
    /** What each of headWidth / 2 frequencies is divided by. */
    float[] factors(double theta, int headWidth) {
      float[] factors = new float[headWidth / 2];
      for (int i = 0; i < factors.length; i++) {
        double wavelength = 2 * Math.PI * Math.pow(theta, 2.0 * i / headWidth);
        if (wavelength < original / high) {
          factors[i] = 1;
        } else if (wavelength > original / low) {
          factors[i] = (float) factor;
        } else {
          double smooth = (original / wavelength - low) / (high - low);
          factors[i] = (float) (1 / ((1 - smooth) / factor + smooth));
        }
      }
      return factors;
    }
  }

  /** @param rope the object {@code rope_scaling} or {@code rope_parameters}, may be missing */
  static RopeScaling read(JsonFile file, JsonNode rope, int context) {
    if (rope.isMissingNode() || rope.isNull()) {
      return NONE;
    }
    String type = rope.path("rope_type").asText(rope.path("type").asText(""));
    switch (type) {
      case "default", "" -> {
        return NONE;
      }
      case "linear" -> {
        return new RopeScaling(file.number("rope_scaling.factor", rope.path("factor"), 1), null);
      }
      case "llama3" -> {
        double low = file.number("rope_scaling.low_freq_factor", rope.path("low_freq_factor"), 1);
        double high = file.number("rope_scaling.high_freq_factor", rope.path("high_freq_factor"), 4);
        if (!(high > low)) {
          throw file.bad("rope_scaling.high_freq_factor", rope.path("high_freq_factor"), "expected more than low_freq_factor");
        }
        double original = file.number("rope_scaling.original_max_position_embeddings", rope.path("original_max_position_embeddings"), Math.min(context, 8192));
        return new RopeScaling(1, new Llama3(file.number("rope_scaling.factor", rope.path("factor"), 8), low, high, original));
      }
      default -> throw file.bad("rope_scaling type", rope.has("rope_type") ? rope.path("rope_type") : rope.path("type"), "default, linear and llama3 are supported");
    }
  }
}

package dev.graft.eval.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;

/**
 * The oracle of conversions: what transformers computes with a folder's weights, one token at a time and in double precision. RoPE as
 * there: a head's first half turns with its second half. LoRA is added to the weights themselves.
 */
final class HfForward {
  private final HfFolder model;
  private final Map<String, float[]> added;

  /** @param added to weights of these names, scale·B·A in full */
  HfForward(HfFolder model, Map<String, float[]> added) {
    this.model = model;
    this.added = added;
  }

  /** log p of each token from the second on. */
  double[] logps(int[] tokens) {
    double[][] all = distributions(tokens);
    double[] logps = new double[tokens.length - 1];
    for (int t = 0; t < logps.length; t++) {
      logps[t] = all[t][tokens[t + 1]];
    }
    return logps;
  }

  /** log p of the whole vocabulary after each token but the last. */
  double[][] distributions(int[] tokens) {
    int n = tokens.length;
    double[][] x = new double[n][];
    for (int t = 0; t < n; t++) {
      x[t] = row("model.embed_tokens.weight", tokens[t]);
    }
    for (int layer = 0; layer < model.layers; layer++) {
      block("model.layers." + layer + ".", x);
    }
    double[][] all = new double[n - 1][];
    for (int t = 0; t + 1 < n; t++) {
      double[] logits = times(model.tied ? "model.embed_tokens.weight" : "lm_head.weight", norm(x[t], "model.norm.weight"));
      double sum = 0;
      for (double logit : logits) {
        sum += Math.exp(logit);
      }
      double log = Math.log(sum);
      all[t] = java.util.Arrays.stream(logits).map(logit -> logit - log).toArray();
    }
    return all;
  }

  private double[] row(String name, int index) {
    double[] row = new double[model.width];
    for (int i = 0; i < row.length; i++) {
      row[i] = model.weights.get(name)[index * model.width + i];
    }
    return row;
  }

  private double[] norm(double[] x, String name) {
    double squares = 0;
    for (double v : x) {
      squares += v * v;
    }
    double[] y = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      y[i] = x[i] / Math.sqrt(squares / x.length + 1e-5) * model.weights.get(name)[i];
    }
    return y;
  }

  private double[] times(String name, double[] x) {
    float[] w = model.weights.get(name);
    float[] more = added.get(name);
    double[] y = new double[w.length / x.length];
    for (int r = 0; r < y.length; r++) {
      for (int c = 0; c < x.length; c++) {
        y[r] += (w[r * x.length + c] + (more == null ? 0.0 : more[r * x.length + c])) * x[c];
      }
    }
    return y;
  }

  private double[] linear(String name, double[] x) {
    double[] y = times(name + ".weight", x);
    float[] bias = model.weights.get(name + ".bias");
    for (int i = 0; bias != null && i < y.length; i++) {
      y[i] += bias[i];
    }
    return y;
  }

  /** The inverse frequency i, by transformers' modeling_rope_utils. */
  private double frequency(int i) {
    double frequency = Math.pow(model.config.path("rope_theta").asDouble(), -2.0 * i / model.headWidth);
    JsonNode scaling = model.config.path("rope_scaling");
    if (scaling.path("rope_type").asText().equals("linear")) {
      return frequency / scaling.path("factor").asDouble();
    } else if (!scaling.path("rope_type").asText().equals("llama3")) {
      return frequency;
    }
    double factor = scaling.path("factor").asDouble();
    double low = scaling.path("low_freq_factor").asDouble();
    double high = scaling.path("high_freq_factor").asDouble();
    double old = scaling.path("original_max_position_embeddings").asDouble();
    double wavelength = 2 * Math.PI / frequency;
    if (wavelength < old / high) {
      return frequency;
    } else if (wavelength > old / low) {
      return frequency / factor;
    }
    double smooth = (old / wavelength - low) / (high - low);
    return (1 - smooth) * frequency / factor + smooth * frequency;
  }

  private double[] headsOf(double[] v, int heads, String norm, int position) {
    int d = model.headWidth;
    double[] turned = new double[v.length];
    for (int h = 0; h < heads; h++) {
      double[] head = java.util.Arrays.copyOfRange(v, h * d, (h + 1) * d);
      if (model.weights.containsKey(norm)) {
        head = norm(head, norm);
      }
      for (int i = 0; i < d / 2; i++) {
        double cos = Math.cos(position * frequency(i));
        double sin = Math.sin(position * frequency(i));
        turned[h * d + i] = head[i] * cos - head[i + d / 2] * sin;
        turned[h * d + i + d / 2] = head[i + d / 2] * cos + head[i] * sin;
      }
    }
    return turned;
  }

  private void block(String name, double[][] x) {
    int n = x.length;
    int d = model.headWidth;
    double[][] q = new double[n][];
    double[][] k = new double[n][];
    double[][] v = new double[n][];
    for (int t = 0; t < n; t++) {
      double[] h = norm(x[t], name + "input_layernorm.weight");
      q[t] = headsOf(linear(name + "self_attn.q_proj", h), model.heads, name + "self_attn.q_norm.weight", t);
      k[t] = headsOf(linear(name + "self_attn.k_proj", h), model.kvHeads, name + "self_attn.k_norm.weight", t);
      v[t] = linear(name + "self_attn.v_proj", h);
    }
    for (int t = 0; t < n; t++) {
      double[] out = new double[model.heads * d];
      for (int h = 0; h < model.heads; h++) {
        int kv = h / (model.heads / model.kvHeads) * d;
        double[] weights = new double[t + 1];
        double sum = 0;
        for (int s = 0; s <= t; s++) {
          for (int i = 0; i < d; i++) {
            weights[s] += q[t][h * d + i] * k[s][kv + i];
          }
          weights[s] = Math.exp(weights[s] / Math.sqrt(d));
          sum += weights[s];
        }
        for (int s = 0; s <= t; s++) {
          for (int i = 0; i < d; i++) {
            out[h * d + i] += weights[s] / sum * v[s][kv + i];
          }
        }
      }
      add(x[t], linear(name + "self_attn.o_proj", out));
      double[] h = norm(x[t], name + "post_attention_layernorm.weight");
      double[] gate = linear(name + "mlp.gate_proj", h);
      double[] up = linear(name + "mlp.up_proj", h);
      for (int i = 0; i < gate.length; i++) {
        gate[i] = gate[i] / (1 + Math.exp(-gate[i])) * up[i];
      }
      add(x[t], linear(name + "mlp.down_proj", gate));
    }
  }

  private static void add(double[] to, double[] what) {
    for (int i = 0; i < to.length; i++) {
      to[i] += what[i];
    }
  }
}

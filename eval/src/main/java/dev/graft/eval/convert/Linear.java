package dev.graft.eval.convert;

import java.util.Optional;

/** The matrices of a block that adapters change, under both of their names. */
public enum Linear {
  QUERY("attn_q", "self_attn.q_proj"),
  KEY("attn_k", "self_attn.k_proj"),
  VALUE("attn_v", "self_attn.v_proj"),
  OUTPUT("attn_output", "self_attn.o_proj"),
  GATE("ffn_gate", "mlp.gate_proj"),
  UP("ffn_up", "mlp.up_proj"),
  DOWN("ffn_down", "mlp.down_proj");

  private final String gguf;
  private final String huggingFace;

  Linear(String gguf, String huggingFace) {
    this.gguf = gguf;
    this.huggingFace = huggingFace;
  }

  /** llama.cpp's name: "attn_q". */
  public String gguf() {
    return gguf;
  }

  /** The module's path within a layer: "self_attn.q_proj". */
  public String huggingFace() {
    return huggingFace;
  }

  /** The last part of that: "q_proj". */
  public String module() {
    return huggingFace.substring(huggingFace.indexOf('.') + 1);
  }

  /** That of a name of llama.cpp. */
  public static Optional<Linear> ofGguf(String name) {
    for (Linear linear : values()) {
      if (linear.gguf.equals(name)) {
        return Optional.of(linear);
      }
    }
    return Optional.empty();
  }

  /** That of a path such as "self_attn.q_proj". */
  public static Optional<Linear> ofHuggingFace(String path) {
    for (Linear linear : values()) {
      if (linear.huggingFace.equals(path)) {
        return Optional.of(linear);
      }
    }
    return Optional.empty();
  }
}

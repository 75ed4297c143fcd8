package dev.graft.eval.adapter;

import dev.graft.eval.adapter.AdapterFile.Pair;
import dev.graft.eval.convert.Linear;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What an adapter changes, and how much.
 *
 * @param norms by layer and matrix, the Frobenius norm of scale·B·A
 */
public record AdapterShape(Map<Integer, Map<Linear, Double>> norms) {

  /** Reads all of an adapter. */
  public static AdapterShape of(AdapterFile adapter) {
    Map<Integer, Map<Linear, Double>> norms = new TreeMap<>();
    for (Pair pair : adapter.pairs()) {
      double norm = adapter.scale(pair) * productNorm(adapter.values(pair.a()), adapter.values(pair.b()), pair.rank());
      norms.computeIfAbsent(pair.layer(), layer -> new EnumMap<>(Linear.class)).put(pair.linear(), norm);
    }
    return new AdapterShape(norms);
  }

  /** ‖B·A‖ without B·A: its square is the sum over r, s of (BᵀB)[r,s]·(AAᵀ)[r,s]. */
  static double productNorm(float[] a, float[] b, int rank) {
    int columns = a.length / rank;
    int rows = b.length / rank;
    double[] bb = new double[rank * rank];
    for (int n = 0; n < rows; n++) {
      for (int r = 0; r < rank; r++) {
        for (int s = 0; s <= r; s++) {
          bb[r * rank + s] += (double) b[n * rank + r] * b[n * rank + s];
        }
      }
    }
    double square = 0;
    for (int r = 0; r < rank; r++) {
      for (int s = 0; s <= r; s++) {
        double aa = 0;
        for (int k = 0; k < columns; k++) {
          aa += (double) a[r * columns + k] * a[s * columns + k];
        }
        square += (r == s ? 1 : 2) * aa * bb[r * rank + s];
      }
    }
    return Math.sqrt(Math.max(0, square));
  }

  /** The norm over all matrices of a layer. */
  public double ofLayer(int layer) {
    return Math.sqrt(norms.get(layer).values().stream().mapToDouble(n -> n * n).sum());
  }

  /** The norm over everything. */
  public double total() {
    return Math.sqrt(norms.keySet().stream().mapToDouble(layer -> Math.pow(ofLayer(layer), 2)).sum());
  }

  /** Matrices that any layer has, in the order of a block. */
  public List<Linear> targets() {
    List<Linear> targets = new ArrayList<>();
    for (Linear linear : Linear.values()) {
      if (norms.values().stream().anyMatch(layer -> layer.containsKey(linear))) {
        targets.add(linear);
      }
    }
    return targets;
  }
}

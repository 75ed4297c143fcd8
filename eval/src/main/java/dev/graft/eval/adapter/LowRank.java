package dev.graft.eval.adapter;

import java.util.List;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.QRDecomposition;
import org.ejml.interfaces.decomposition.SingularValueDecomposition_F64;

/**
 * A product B·A with A [rank, columns] and B [rows, rank], row-major.
 *
 * @param norm the Frobenius norm of what it was reduced from; 0 when it was not
 * @param lost the norm of what the reduction left out
 */
record LowRank(float[] a, float[] b, int rank, double norm, double lost) {

  /** A product with a factor. */
  record Term(float[] a, float[] b, int rank, double scale) {}

  /** The sum of scaled products: ranks end to end, the scale in B. */
  static LowRank concatenated(List<Term> terms) {
    int rank = terms.stream().mapToInt(Term::rank).sum();
    int columns = terms.get(0).a.length / terms.get(0).rank;
    int rows = terms.get(0).b.length / terms.get(0).rank;
    float[] a = new float[Math.multiplyExact(rank, columns)];
    float[] b = new float[Math.multiplyExact(rank, rows)];
    int from = 0;
    for (Term term : terms) {
      System.arraycopy(term.a, 0, a, from * columns, term.rank * columns);
      for (int n = 0; n < rows; n++) {
        for (int r = 0; r < term.rank; r++) {
          b[n * rank + from + r] = (float) (term.b[n * term.rank + r] * term.scale);
        }
      }
      from += term.rank;
    }
    return new LowRank(a, b, rank, 0, 0);
  }

  /**
   * The nearest product of a lower rank (Eckart and Young 1936): B = Q·R and Aᵀ = P·S by QR, then R·Sᵀ = U·Σ·Vᵀ, of which the largest
   * singular values stay, their roots on both sides.
   */
  LowRank reduced(int kept) {
    int columns = a.length / rank;
    int rows = b.length / rank;
    QRDecomposition<DMatrixRMaj> left = qr(matrix(b, rows, rank));
    DMatrixRMaj wide = new DMatrixRMaj(columns, rank);
    CommonOps_DDRM.transpose(matrix(a, rank, columns), wide);
    QRDecomposition<DMatrixRMaj> right = qr(wide);
    DMatrixRMaj r = left.getR(null, true);
    DMatrixRMaj s = right.getR(null, true);
    DMatrixRMaj core = new DMatrixRMaj(r.numRows, s.numRows);
    CommonOps_DDRM.multTransB(r, s, core);
    SingularValueDecomposition_F64<DMatrixRMaj> svd = DecompositionFactory_DDRM.svd(core.numRows, core.numCols, true, true, true);
    if (!svd.decompose(core)) {
      throw new IllegalStateException("the singular value decomposition of a pair did not converge");
    }
    double[] sigma = svd.getSingularValues();
    int n = svd.numberOfSingularValues();
    Integer[] order = new Integer[n];
    double whole = 0;
    for (int i = 0; i < n; i++) {
      order[i] = i;
      whole += sigma[i] * sigma[i];
    }
    java.util.Arrays.sort(order, (x, y) -> Double.compare(sigma[y], sigma[x]));
    DMatrixRMaj u = new DMatrixRMaj(core.numRows, kept);
    DMatrixRMaj v = new DMatrixRMaj(core.numCols, kept);
    DMatrixRMaj allU = svd.getU(null, false);
    DMatrixRMaj allV = svd.getV(null, false);
    double stays = 0;
    for (int k = 0; k < Math.min(kept, n); k++) {
      double root = Math.sqrt(sigma[order[k]]);
      stays += sigma[order[k]] * sigma[order[k]];
      for (int i = 0; i < u.numRows; i++) {
        u.set(i, k, allU.get(i, order[k]) * root);
      }
      for (int i = 0; i < v.numRows; i++) {
        v.set(i, k, allV.get(i, order[k]) * root);
      }
    }
    DMatrixRMaj newB = new DMatrixRMaj(rows, kept);
    CommonOps_DDRM.mult(left.getQ(null, true), u, newB);
    DMatrixRMaj newA = new DMatrixRMaj(kept, columns);
    CommonOps_DDRM.multTransAB(v, right.getQ(null, true), newA);
    return new LowRank(floats(newA), floats(newB), kept, Math.sqrt(whole), Math.sqrt(Math.max(0, whole - stays)));
  }

  private static QRDecomposition<DMatrixRMaj> qr(DMatrixRMaj matrix) {
    QRDecomposition<DMatrixRMaj> qr = DecompositionFactory_DDRM.qr(matrix.numRows, matrix.numCols);
    if (!qr.decompose(matrix)) {
      throw new IllegalStateException("the QR decomposition of a pair failed");
    }
    return qr;
  }

  private static DMatrixRMaj matrix(float[] values, int rows, int columns) {
    DMatrixRMaj matrix = new DMatrixRMaj(rows, columns);
    for (int i = 0; i < values.length; i++) {
      matrix.data[i] = values[i];
    }
    return matrix;
  }

  private static float[] floats(DMatrixRMaj matrix) {
    float[] values = new float[matrix.getNumElements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) matrix.data[i];
    }
    return values;
  }
}

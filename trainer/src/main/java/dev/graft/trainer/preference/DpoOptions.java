package dev.graft.trainer.preference;

import dev.graft.bindings.PreferenceOptions;
import dev.graft.trainer.run.RunException;
import java.nio.file.Path;

/**
 * What a preference run is told beside {@link dev.graft.trainer.run.RunOptions}.
 *
 * @param loss kind and settings
 * @param referenceAdapter the frozen reference, or null: the initial adapter, else the bare base
 * @param online the reference is computed in each step instead of once before
 * @param referenceCache folder of references that runs share, or null: the run's own folder
 * @param prefixSharing a pair's prompt is computed once for both answers
 * @param maxBadFraction largest share of faulty rows that is not refused, in [0, 1]
 */
public record DpoOptions(PreferenceOptions loss, Path referenceAdapter, boolean online, Path referenceCache, boolean prefixSharing, double maxBadFraction) {

  /** @throws RunException when a value is out of range, or two exclude one another */
  public DpoOptions {
    if (!(maxBadFraction >= 0 && maxBadFraction <= 1)) {
      throw RunException.usage("--max-bad-fraction " + maxBadFraction + " must be from 0 to 1");
    } else if (online && referenceCache != null) {
      throw RunException.usage("--reference online keeps nothing, so --reference-cache has no use; give one of them");
    }
  }
}

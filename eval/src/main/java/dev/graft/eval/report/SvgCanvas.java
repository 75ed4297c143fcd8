package dev.graft.eval.report;

import java.awt.Color;
import java.awt.Font;
import java.awt.FontMetrics;
import java.awt.Graphics;
import java.awt.geom.Rectangle2D;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.batik.dom.GenericDOMImplementation;
import org.apache.batik.svggen.SVGGeneratorContext;
import org.apache.batik.svggen.SVGGraphics2D;
import org.apache.batik.svggen.SVGIDGenerator;
import org.jfree.chart.JFreeChart;
import org.jfree.chart.text.TextUtils;
import org.w3c.dom.Document;
import org.w3c.dom.Element;

/**
 * Charts as inline SVG: text stays text, colours are CSS variables of the page (so dark mode and print restyle them), ids begin with the
 * figure's, and the size comes from the page. Stateless.
 */
final class SvgCanvas {
  /** Text and axes. */
  static final Color INK = new Color(1, 2, 3);
  /** Text of less weight. */
  static final Color MUTED = new Color(4, 5, 6);
  /** Grid lines. */
  static final Color GRID = new Color(7, 8, 9);
  /** The page itself. */
  static final Color PAPER = new Color(10, 11, 12);
  /** Colours that differ for colour-blind readers too; also by lightness, for print. */
  static final int SERIES = 7;

  private static final String SVG = "http://www.w3.org/2000/svg";
  private static final Pattern TEXT = Pattern.compile("<text x=\"([-0-9.eE]+)\"");

  private static final Pattern STYLE = Pattern.compile(" style=\"([^\"]*)\"");

  static {
    TextUtils.setUseDrawRotatedStringWorkaround(false); // which would turn rotated text into shapes
  }

  private SvgCanvas() {}

  /** Colour number {@code i} of the page's palette, wrapping round. */
  static Color series(int i) {
    return new Color(20 + Math.floorMod(i, SERIES), 21, 22);
  }

  /** The font of all charts. */
  static Font font(int style, int size) {
    return new Font(Font.SANS_SERIF, style, size);
  }

  /** Why this system cannot draw (no fonts, mostly), or null when it can. */
  static String failure() {
    try {
      java.awt.image.BufferedImage image = new java.awt.image.BufferedImage(1, 1, java.awt.image.BufferedImage.TYPE_INT_ARGB);
      Graphics graphics = image.createGraphics();
      int width = graphics.getFontMetrics(font(Font.PLAIN, 12)).stringWidth("x");
      graphics.dispose();
      return width > 0 ? null : "its fonts are empty";
    } catch (LinkageError | InternalError | RuntimeException e) {
      Throwable cause = e;
      while (cause.getCause() != null) {
        cause = cause.getCause();
      }
      return cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
    }
  }

  /**
   * Draws a chart.
   *
   * @param id of the figure, unique in the page: letters, digits and dashes  @param title for readers who cannot see it
   * @param description the same, longer
   */
  static String draw(JFreeChart chart, String id, int width, int height, String title, String description) {
    Document document = GenericDOMImplementation.getDOMImplementation().createDocument(SVG, "svg", null);
    SVGGeneratorContext context = SVGGeneratorContext.createDefault(document);
    context.setComment(null);
    context.setPrecision(2);
    context.setIDGenerator(new SVGIDGenerator() {
      @Override
      public String generateID(String prefix) {
        return id + "-" + super.generateID(prefix);
      }
    });
    Centred graphics = new Centred(context);
    chart.draw(graphics, new Rectangle2D.Double(0, 0, width, height));
    Element root = graphics.getRoot();
    root.insertBefore(named(document, "desc", id + "-desc", description), root.getFirstChild());
    root.insertBefore(named(document, "title", id + "-title", title), root.getFirstChild());
    StringWriter out = new StringWriter();
    try {
      graphics.stream(root, out, true, false);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    String svg = out.toString();
    int begin = svg.indexOf("<svg");
    int end = svg.indexOf('>', begin);
    String body = svg.substring(end + 1);
    Matcher style = STYLE.matcher(svg.substring(begin, end)); // what all elements inherit
    String inherited = style.find() ? style.group(1).replace(":black", ":rgb(1,2,3)") : "";
    return variables("<svg id=\"" + id + "\" class=\"chart\" role=\"img\" aria-labelledby=\"" + id + "-title " + id + "-desc\" viewBox=\"0 0 " + width + " " + height + "\" style=\"" + inherited + "\">" + centre(body, graphics.widths));
  }

  private static Element named(Document document, String tag, String id, String text) {
    Element element = document.createElementNS(SVG, tag);
    element.setAttributeNS(null, "id", id);
    element.appendChild(document.createTextNode(text.replaceAll("\\p{Cntrl}", " ")));
    return element;
  }

  /** The reader's fonts have other widths than those measured here, so that text is anchored at its middle. */
  private static String centre(String svg, List<Double> widths) {
    Matcher matcher = TEXT.matcher(svg);
    StringBuilder out = new StringBuilder();
    for (int i = 0; matcher.find(); i++) {
      double x = Double.parseDouble(matcher.group(1)) + (i < widths.size() ? widths.get(i) / 2 : 0);
      matcher.appendReplacement(out, String.format(Locale.ROOT, "<text text-anchor=\"middle\" x=\"%.2f\"", x));
    }
    return matcher.appendTail(out).toString();
  }

  private static String variables(String svg) {
    String out = svg.replace("rgb(1,2,3)", "var(--ink)").replace("rgb(4,5,6)", "var(--muted)").replace("rgb(7,8,9)", "var(--grid)").replace("rgb(10,11,12)", "var(--paper)");
    for (int i = 0; i < SERIES; i++) {
      out = out.replace("rgb(" + (20 + i) + ",21,22)", "var(--s" + i + ")");
    }
    return out.replaceAll("\\s*\\n\\s*(/?>)", "$1").replace(" id=\"genericDefs\"", "").replace(" xml:space=\"preserve\"", "");
  }

  /** Remembers how wide each text is. */
  private static final class Centred extends SVGGraphics2D {
    private final List<Double> widths;

    Centred(SVGGeneratorContext context) {
      super(context, false);
      widths = new ArrayList<>();
    }

    private Centred(Centred other) {
      super(other);
      widths = other.widths;
    }

    @Override
    public Graphics create() {
      return new Centred(this);
    }

    @Override
    public void drawString(String text, float x, float y) {
      FontMetrics metrics = getFontMetrics();
      widths.add(metrics.getStringBounds(text, this).getWidth());
      super.drawString(text, x, y);
    }
  }
}

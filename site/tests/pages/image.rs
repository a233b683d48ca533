//! Screenshots as small PNG files: a page has few colours and many shades of them, along the edges of letters.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Cursor};
use std::path::Path;

type Colour = [u8; 3];

/// As many as a palette's index of four or eight bits can name; more makes no difference that one sees.
const COLOURS: usize = 128;

/// Writes a PNG picture to a file, with a palette of its most frequent colours.
pub fn write_small(picture: &[u8], file: &Path) {
    let mut decoder = png::Decoder::new(Cursor::new(picture));
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::STRIP_16);
    let mut reader = decoder.read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    let channels = info.color_type.samples();
    let pixels: Vec<Colour> = bytes.chunks_exact(channels).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();

    let mut counts: HashMap<Colour, usize> = HashMap::new();
    for pixel in &pixels {
        *counts.entry(*pixel).or_default() += 1;
    }
    let mut palette: Vec<Colour> = counts.keys().copied().collect();
    palette.sort_by_key(|colour| (std::cmp::Reverse(counts[colour]), *colour));
    palette.truncate(COLOURS);
    let nearest: HashMap<Colour, u8> = counts.keys().map(|colour| (*colour, nearest(colour, &palette))).collect();
    let indices: Vec<u8> = pixels.iter().map(|pixel| nearest[pixel]).collect();

    let mut encoder = png::Encoder::new(BufWriter::new(File::create(file).unwrap()), info.width, info.height);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(palette.concat());
    encoder.set_compression(png::Compression::High);
    // Indices have no neighbours that they are like: a filter would only hide what repeats.
    encoder.set_filter(png::Filter::NoFilter);
    encoder.write_header().unwrap().write_image_data(&indices).unwrap();
}

fn nearest(colour: &Colour, palette: &[Colour]) -> u8 {
    let distance =
        |other: &Colour| -> u32 { colour.iter().zip(other).map(|(a, b)| u32::from(a.abs_diff(*b)).pow(2)).sum() };
    let (index, _) = palette.iter().enumerate().min_by_key(|(_, other)| distance(other)).unwrap();
    u8::try_from(index).unwrap()
}

; The two tunes, our own: FIZZ, quick and in A minor, and CALM, a slow waltz in F.  Each track repeats by itself.
.include "routines.inc"
.include "sound.inc"
.include "notes.inc"

.define FIZZ_TRACKS fizz_lead, fizz_harmony, fizz_bass, fizz_drums
.define CALM_TRACKS calm_lead, calm_harmony, calm_bass, calm_drums
.define L(frames) FIRST_DURATION + (frames)

.segment "DATA"
tune_low:
  .lobytes FIZZ_TRACKS
  .lobytes CALM_TRACKS
tune_high:
  .hibytes FIZZ_TRACKS
  .hibytes CALM_TRACKS

; --- FIZZ: 16 bars of eight eighths ------------------------------------------------------------
E8 = L(11)
Q4 = L(22)
DOT = L(33)
HALF = L(44)

fizz_lead:
  .byte LEAD
  .byte E8, A4, C5, E5, C5, Q4, A5, E8, G5, E5          ; Am
  .byte E8, F5, E5, D5, C5, Q4, A4, C5                  ; F
  .byte E8, G4, C5, E5, G5, Q4, E5, E8, D5, C5          ; C
  .byte Q4, D5, E8, B4, D5, G5, F5, E5, D5              ; G
  .byte E8, A4, C5, E5, C5, Q4, A5, E8, B5, A5          ; Am
  .byte E8, C6, A5, F5, A5, Q4, G5, F5                  ; F
  .byte E8, G5, B5, D6, B5, A5, G5, F5, D5              ; G
  .byte Q4, E5, G5, HALF, C5                            ; C
  .byte DOT, A5, E8, F5, Q4, A5, C6                     ; F
  .byte DOT, B5, E8, G5, Q4, B5, D6                     ; G
  .byte E8, B5, G5, E5, G5, Q4, B5, G5                  ; Em
  .byte DOT, C6, E8, B5, Q4, A5, E5                     ; Am
  .byte E8, F5, G5, A5, F5, Q4, C6, A5                  ; F
  .byte E8, G5, A5, B5, G5, Q4, D6, B5                  ; G
  .byte E8, C6, G5, E5, G5, Q4, C6, E8, B5, A5          ; C
  .byte Q4, GS5, E5, GS5, B5                            ; E
  .byte AGAIN
  .addr fizz_lead

.macro offbeats one, two
  .byte REST, one, REST, two, REST, one, REST, two
.endmacro

fizz_harmony:
  .byte HARMONY, E8
  offbeats C5, E4
  offbeats C5, F4
  offbeats C5, E4
  offbeats B4, D4
  offbeats C5, E4
  offbeats C5, F4
  offbeats B4, D4
  offbeats C5, E4
  offbeats C5, A4
  offbeats D5, B4
  offbeats B4, G4
  offbeats C5, A4
  offbeats C5, A4
  offbeats D5, B4
  offbeats C5, G4
  offbeats B4, GS4
  .byte AGAIN
  .addr fizz_harmony

.macro walk root, fifth
  .byte root, fifth, root, fifth
.endmacro

fizz_bass:
  .byte BASS, Q4
  walk A3, E3
  walk F3, C4
  walk C4, G3
  walk G3, D4
  walk A3, E3
  walk F3, C4
  walk G3, D4
  walk C4, G3
  walk F3, C4
  walk G3, D4
  walk E3, B3
  walk A3, E3
  walk F3, C4
  walk G3, D4
  walk C4, G3
  walk E3, GS3
  .byte AGAIN
  .addr fizz_bass

fizz_drums:
  .byte E8, HAT, 2, HAT, 1, SNARE, 6, HAT, 1, HAT, 2, HAT, 1, SNARE, 6, HAT, 2
  .byte AGAIN
  .addr fizz_drums

; --- CALM: 16 bars of three quarters -------------------------------------------------------------
ARP = L(13)
ONE = L(26)
TWO = L(52)
THREE = L(78)

calm_lead:
  .byte CALM_LEAD
  .byte TWO, A4, ONE, C5                                ; F
  .byte TWO, F5, ONE, E5                                ; Dm
  .byte ONE, D5, BB4, D5                                ; Bb
  .byte THREE, C5                                       ; C
  .byte TWO, A4, ONE, C5                                ; F
  .byte TWO, D5, ONE, A4                                ; Dm
  .byte ONE, BB4, A4, G4                                ; Gm
  .byte THREE, G4                                       ; C
  .byte TWO, D5, ONE, F5                                ; Bb
  .byte TWO, E5, ONE, G5                                ; C
  .byte ONE, F5, E5, C5                                 ; Am
  .byte TWO, D5, ONE, A4                                ; Dm
  .byte ONE, BB4, D5, G5                                ; Gm
  .byte ONE, E5, D5, C5                                 ; C
  .byte TWO, A4, ONE, G4                                ; F
  .byte THREE, F4                                       ; F
  .byte AGAIN
  .addr calm_lead

.macro broken one, two, three
  .byte one, two, three, two, three, two
.endmacro

calm_harmony:
  .byte CALM_ARP, ARP
  broken F3, A3, C4
  broken D3, F3, A3
  broken BB2, D3, F3
  broken C3, E3, G3
  broken F3, A3, C4
  broken D3, F3, A3
  broken G3, BB3, D4
  broken C3, E3, BB3
  broken BB2, D3, F3
  broken C3, E3, G3
  broken A3, C4, E4
  broken D3, F3, A3
  broken G3, BB3, D4
  broken C3, E3, BB3
  broken F3, A3, C4
  broken F3, C4, A3
  .byte AGAIN
  .addr calm_harmony

calm_bass:
  .byte LONG_BASS, THREE
  .byte F3, D3, BB3, C4, F3, D3, G3, C4
  .byte BB3, C4, A3, D3, G3, C4, F3, F3
  .byte AGAIN
  .addr calm_bass

calm_drums:
  .byte THREE, REST, AGAIN
  .addr calm_drums

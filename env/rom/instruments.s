; Instruments, and the periods of the notes.
.include "routines.inc"

.segment "DATA"
; wave (pulses), first volume, frames until it is one softer, slide of the period a frame
instrument_duty:
  .byte $B0, $70, $30, $30, $30, $30, $B0, $30, $B0, $70, $B0, $30, $30, $30, $B0, $B0
instrument_volume:
  .byte  11,   5,  12,   4,  10,  10,  11,   9,  15,  11,   9,   5,  15,  15,  15,  14
instrument_fade:
  .byte   5,   7,   1,   1,   1,   1,   1,   1,   2,   5,   9,   6,   4,   1,   2,   3
instrument_slide:
  .byte   0,   0,   0,   0,   0,   0, $F4,  48,   0, $FC,   0,   0,   0,   0, $F8,   2

; 12 notes an octave from C2 (65.4 Hz): 1789773 / 16 / frequency - 1
period_low:
  .byte $AD, $4D, $F3, $9D, $4C, $00, $B8, $74, $34, $F8, $BF, $89
  .byte $56, $26, $F9, $CE, $A6, $80, $5C, $3A, $1A, $FB, $DF, $C4
  .byte $AB, $93, $7C, $67, $52, $3F, $2D, $1C, $0C, $FD, $EF, $E1
  .byte $D5, $C9, $BD, $B3, $A9, $9F, $96, $8E, $86, $7E, $77, $70
  .byte $6A, $64, $5E, $59, $54, $4F, $4B, $46, $42, $3F, $3B, $38
  .byte $34, $31, $2F, $2C, $29, $27, $25, $23, $21, $1F, $1D, $1B
period_high:
  .byte $06, $06, $05, $05, $05, $05, $04, $04, $04, $03, $03, $03
  .byte $03, $03, $02, $02, $02, $02, $02, $02, $02, $01, $01, $01
  .byte $01, $01, $01, $01, $01, $01, $01, $01, $01, $00, $00, $00
  .byte $00, $00, $00, $00, $00, $00, $00, $00, $00, $00, $00, $00
  .byte $00, $00, $00, $00, $00, $00, $00, $00, $00, $00, $00, $00
  .byte $00, $00, $00, $00, $00, $00, $00, $00, $00, $00, $00, $00

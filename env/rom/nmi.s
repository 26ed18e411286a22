; Once per frame: sprites, one field row per player, counters on the screen, frame counter, pads.
.include "ram.inc"
.include "routines.inc"

.segment "CODE"

nmi:
  pha
  txa
  pha
  tya
  pha
  lda ppu_busy
  bne @no_video
  lda #0
  sta OAMADDR
  lda #>oam
  sta OAMDMA
  bit PPUSTATUS
  lda field_shown
  beq @scroll
  jsr redraw_rows
  jsr draw_counters
@scroll:
  jsr choose_pose
  lda #0
  sta PPUSCROLL
  sta PPUSCROLL
  lda ppu_mask
  sta PPUMASK
@no_video:
  inc frame_counter
  jsr read_pads
  lda #1
  sta nmi_done
  pla
  tay
  pla
  tax
  pla
irq:
  rti

; Field bytes are tile numbers, so a row is copied as it is.  The row counter is what the
; rules wait for after a lock, a fall and a clear: it must reach $FF first.
.macro redraw_row block, field_bytes, column
.local @done
  ldx block + O_REDRAW
  bmi @done
  lda row_address_high, x
  sta PPUADDR
  lda row_address_low, x
  ora column
  sta PPUADDR
  txa
  asl a
  asl a
  asl a
  tax
.repeat 8, I
  lda field_bytes + I, x
  sta PPUDATA
.endrepeat
  dec block + O_REDRAW
@done:
.endmacro

; One row per player and frame.
.proc redraw_rows
  redraw_row P1, field1, field_column
  jsr two_play
  bcs :+
  rts
: redraw_row P2, field2, field_column + 1
  rts
.endproc

; A bank of tiles is a pose of all that moves by itself: viruses, bubbles, cells that vanish.
.proc choose_pose
  lda frame_counter
  lsr a
  lsr a
  lsr a
  and #3
  tax
  sta poses, x                  ; the value that is there already, as the board wants it
  lda ppu_ctrl
  sta PPUCTRL
  rts
.endproc

; Read twice and ANDed: a sample bit lost or gained in one reading does not become a press.
.proc read_pads
  jsr sample
  lda t_pad
  sta nmi_pad
  lda t_pad + 1
  sta nmi_pad + 1
  jsr sample
  ldx #1
@player:
  lda t_pad, x
  and nmi_pad, x
  tay
  eor p1_held, x
  sta nmi_scratch
  tya
  and nmi_scratch
  sta p1_pressed, x
  sty p1_held, x
  dex
  bpl @player
  rts
.endproc

t_pad = nmi_pad + 2

; Bit 0 is the pad, bit 1 a pad in the expansion port.
.proc sample
  lda #1
  sta JOY1
  lda #0
  sta JOY1
  ldx #8
@bit:
  lda JOY1
  and #3
  cmp #1
  rol t_pad
  lda JOY2
  and #3
  cmp #1
  rol t_pad + 1
  dex
  bne @bit
  rts
.endproc

.segment "DATA"
poses:
  .byte 0, 1, 2, 3

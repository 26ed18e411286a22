; Once per frame: sprites, one field row per player, counters on the screen, frame counter, pads.
.include "ram.inc"
.include "routines.inc"

; where the level screens (art/level.txt, versus.txt) leave room for the counters
HUD_TOP    = $2000 + 8 * 32 + 2
HUD_SCORE  = $2000 + 11 * 32 + 2
HUD_TALLY  = $2000 + 18 * 32 + 7
HUD_LEVEL  = $2000 + 16 * 32 + 26
HUD_VIRUS  = $2000 + 22 * 32 + 26
; of player 1; player 2's are three tiles to the right
VERSUS_WINS  = $2000 + 12 * 32 + 14
VERSUS_LEVEL = $2000 + 16 * 32 + 14
VERSUS_VIRUS = $2000 + 20 * 32 + 14

.macro put_at address
  lda #>(address)
  sta PPUADDR
  lda #<(address)
  sta PPUADDR
.endmacro

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
  jsr choose_table
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

.macro draw_number value
  ldx value
  lda tens, x
  sta PPUDATA
  lda ones, x
  sta PPUDATA
.endmacro

.macro draw_bcd value
  lda value
  lsr a
  lsr a
  lsr a
  lsr a
  sta PPUDATA
  lda value
  and #$0F
  sta PPUDATA
.endmacro

.proc draw_counters
  jsr two_play
  bcc :+
  jmp @versus
: put_at HUD_TOP
.repeat 6, I
  lda high_score + 5 - I
  sta PPUDATA
.endrepeat
  put_at HUD_SCORE
.repeat 6, I
  lda score + 5 - I
  sta PPUDATA
.endrepeat
  put_at HUD_LEVEL
  draw_number P1 + O_LEVEL
  put_at HUD_VIRUS
  draw_bcd P1 + O_VIRUSES
.repeat 3, I
  put_at HUD_TALLY + I * 64
  draw_number virus_tally + I
.endrepeat
  rts
@versus:
.repeat 2, I
  put_at VERSUS_WINS + 3 * I
  lda P1 + I * (P2 - P1) + O_WINS
  sta PPUDATA
  put_at VERSUS_LEVEL + 3 * I
  draw_number P1 + I * (P2 - P1) + O_LEVEL
  put_at VERSUS_VIRUS + 3 * I
  draw_bcd P1 + I * (P2 - P1) + O_VIRUSES
.endrepeat
  rts
.endproc

; The two tile tables differ in the viruses alone: switching them makes them wriggle.
.proc choose_table
  lda frame_counter
  and #$10
  ora ppu_ctrl
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
tens:
.repeat 85, I
  .byte I / 10
.endrepeat
ones:
.repeat 85, I
  .byte I .mod 10
.endrepeat
